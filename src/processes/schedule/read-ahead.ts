import { firstLook } from "../../statements/index.ts";
import type { Tributary } from "../wire.ts";

/** Each takes memory until others are looked at (docs/decisions/0041). */
const PAYEES = 3;

/**
 * Reads in the background what would make the first look after a start a slow one: the catalogue, and what the first page of the
 * payees shows who have the most behind it. Whoever looks meanwhile waits for the same reading, and what fails is read by whoever asks.
 */
export function startReadingAhead(parts: Pick<Tributary, "sql" | "readers" | "catalog" | "logger">): {
  done: Promise<void>;
  /** What is under way ends with its connections. */
  stop(): void;
} {
  const stopping = new AbortController();
  const done = readAhead(parts, stopping.signal).catch((err) => {
    if (!stopping.signal.aborted) parts.logger.warn({ err }, "figures were not read ahead");
  });
  return { done, stop: () => stopping.abort() };
}

async function readAhead(
  { sql, readers, catalog }: Pick<Tributary, "sql" | "readers" | "catalog">,
  stopping: AbortSignal,
): Promise<void> {
  const { payees } = await catalog.current();
  const largest = await sql<{ payee: string }[]>`
    SELECT split_part(account, ':', 2) AS payee FROM accrual_part
    WHERE booked_period >= (SELECT first_open_period FROM books_state) AND account LIKE 'payee:%:accruing'
    GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT ${PAYEES}`;
  for (const { payee } of largest) {
    const currency = payees.get(payee)?.defaultCurrency;
    if (stopping.aborted || currency === undefined) return;
    // Over the connections that its page is answered over: what is kept is kept by those.
    await (readers === null
      ? firstLook(sql, payee, currency)
      : readers.use({ payee, customer: null }, (own) => firstLook(own, payee, currency)));
  }
}
