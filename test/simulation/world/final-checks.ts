import { runChecks } from "../../../src/audit/index.ts";
import { toMinor } from "../../../src/kernel/index.ts";
import { deadLetters } from "../../../src/metering/index.ts";
import { LawBroken } from "./metering-watch.ts";
import type { World } from "./world.ts";

const DEAD_LETTERS_MAX = 10_000;

/** Compares everything that the product ended with to what it must be. Answers the final state as text. */
export async function checkBooks(world: World): Promise<string> {
  await world.watch.compare();
  const state = {
    dead: await checkDeadLetters(world),
    earned: await checkEarnings(world),
    platform: await checkPlatform(world),
    transfers: await checkTransfers(world),
    counts: world.expected.counts,
  };
  const broken = (await runChecks(world.books)).filter(({ differences }) => differences.length > 0);
  if (broken.length > 0)
    throw new LawBroken(`laws of the books are broken: ${JSON.stringify(broken, null, 1)}`);
  noteUsage(world);
  return JSON.stringify(state);
}

function noteUsage({ expected, trace }: World): void {
  const { counts, booked } = expected;
  if (counts.dead > 0) trace.saw("a dead letter was written");
  if (counts.duplicate > 0) trace.saw("an event came twice");
  if (counts.conflict > 0) trace.saw("an event came again with other content");
  const late = booked.filter(({ event, closed }) => closed.has(event.time.slice(0, 7)));
  if (late.length > 0) trace.saw("usage was booked after its month was closed");
}

async function checkDeadLetters({ books, expected }: World) {
  const letters = await deadLetters(books, DEAD_LETTERS_MAX);
  const found = letters.map(({ partition, offset, index, reason, rawBase64 }) =>
    [partition, offset, index, reason, rawBase64.replaceAll("\n", "")].join(" "),
  );
  const wanted = expected.dead.map(({ partition, offset, index, reason, rawBase64 }) =>
    [partition, offset, index, reason, rawBase64].join(" "),
  );
  return requireSame("dead letters", found, wanted);
}

async function checkEarnings({ books, expected }: World) {
  const statements = await books<{ key: string; nanos: string }[]>`
    SELECT concat_ws(' ', payee, currency, to_char(period, 'YYYY-MM')) AS key, earned_nanos::text AS nanos
    FROM statement WHERE earned_nanos <> 0`;
  const earned = [...expected.earnings.earnedByPeriod].filter(([, nanos]) => nanos !== 0n);
  return requireSame(
    "earnings of payees by month",
    statements.map(({ key, nanos }) => `${key} ${nanos}`),
    earned.map(([key, nanos]) => `${key} ${nanos}`),
  );
}

async function checkPlatform({ books, expected }: World) {
  const accounts = await books<{ path: string; currency: string; nanos: string }[]>`
    SELECT path, currency, (-balance_nanos)::text AS nanos
    FROM account_balance JOIN ledger_account USING (account_no)
    WHERE path IN ('platform:revenue', 'platform:cost_recovery') AND balance_nanos <> 0`;
  const wanted = new Map<string, bigint>();
  for (const [key, nanos] of expected.earnings.platform) {
    const [currency = "", reason] = key.split(" ");
    const account = `platform:${reason === "cost" ? "cost_recovery" : "revenue"} ${currency}`;
    wanted.set(account, (wanted.get(account) ?? 0n) + nanos);
  }
  return requireSame(
    "the platform's parts",
    accounts.map(({ path, currency, nanos }) => `${path} ${currency} ${nanos}`),
    [...wanted].filter(([, nanos]) => nanos !== 0n).map(([key, nanos]) => `${key} ${nanos}`),
  );
}

/** One to one: no payout twice, none lost, none that the books do not know; and nothing is left on the way. */
async function checkTransfers({ books, provider, expected }: World) {
  const payouts = await books<
    { id: string; account: string; currency: string; nanos: string; transfer: string }[]
  >`
    SELECT id, account, currency, amount_nanos::text AS nanos, transfer_id AS transfer FROM payout
    WHERE state = 'paid'`;
  const transfers = provider.transfers.map(({ id, request }) =>
    [request.payoutId, request.account, request.currency, request.amountMinor, id].join(" "),
  );
  const found = requireSame(
    "transfers",
    transfers,
    payouts.map(({ id, account, currency, nanos, transfer }) =>
      [id, account, currency, toMinor(currency, BigInt(nanos)), transfer].join(" "),
    ),
  );
  const balances = await books<{ key: string; nanos: string }[]>`
    SELECT owner || ' ' || currency AS key, (-sum(balance_nanos))::text AS nanos
    FROM account_balance JOIN ledger_account USING (account_no) WHERE kind LIKE 'payee:%' GROUP BY 1`;
  const paid = new Map<string, bigint>();
  for (const { id, nanos, currency } of payouts) {
    const key = `${id.split("_")[2]} ${currency}`;
    paid.set(key, (paid.get(key) ?? 0n) + BigInt(nanos));
  }
  // What linked customers used was paid out of what their payees earned; verify computes it anew from the usage.
  const netted = await books<{ key: string; nanos: string }[]>`
    SELECT payee || ' ' || currency AS key, sum(amount_nanos)::text AS nanos FROM netting GROUP BY 1`;
  for (const { key, nanos } of netted) paid.set(key, (paid.get(key) ?? 0n) + BigInt(nanos));
  const earned = [...expected.earnings.earned];
  requireSame(
    "what is left of earnings after payouts",
    balances.filter(({ nanos }) => nanos !== "0").map(({ key, nanos }) => `${key} ${nanos}`),
    earned
      .map(([key, nanos]) => [key, nanos - (paid.get(key) ?? 0n)] as const)
      .filter(([, nanos]) => nanos !== 0n)
      .map(([key, nanos]) => `${key} ${nanos}`),
  );
  return found;
}

function requireSame(what: string, found: string[], wanted: string[]): string[] {
  const [a, b] = [found.sort(), wanted.sort()];
  if (a.join("\n") === b.join("\n")) return a;
  const extra = a.filter((line) => !b.includes(line));
  const missing = b.filter((line) => !a.includes(line));
  throw new LawBroken(
    `${what} are wrong: found ${JSON.stringify(extra)}, expected ${JSON.stringify(missing)}`,
  );
}
