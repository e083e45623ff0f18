import fc from "fast-check";
import {
  add,
  floor,
  multiply,
  type Nanos,
  type Period,
  parseDecimal,
  present,
  type Rational,
  rational,
  ZERO,
} from "../../src/kernel/index.ts";
import type { Sql } from "../../src/postgres/index.ts";
import { startTestMetering, type TestMetering } from "../support/metering.ts";
import { usageEvent } from "../support/usage.ts";

export const PAYEES = ["ada", "lin", "mia"];
/** Whom each is linked to at first: "acme" to nobody. */
export const LINKED: Record<string, string | undefined> = {
  acme: undefined,
  "ada-app": "ada",
  "ada-bot": "ada",
  "lin-app": "lin",
  mover: "mia",
};
export const CUSTOMERS = Object.keys(LINKED);
/** Per token, so odd that sums are seldom whole nanos. */
const PRICES = ["0.000033370001", "0.000000012301", "0.00007"];

const payeeFields = (id: string) => ({ id, name: id, country: "US", default_currency: "USD" });

export function startNettingBooks(): Promise<TestMetering> {
  return startTestMetering({
    payees: PAYEES.map(payeeFields),
    customers: CUSTOMERS.map((id) => linkOf(id, LINKED[id])),
    models: PAYEES.map((payee) => ({ id: `${payee}/m`, payee })),
    prices: PAYEES.map((payee, n) => ({
      model: `${payee}/m`,
      currency: "USD",
      effective_from: "2020-01-01T00:00:00Z",
      components: [{ meter: "input_tokens", amount: PRICES[n], per: "1" }],
    })),
  });
}

/** A customer as the catalogue is told of it. */
export function linkOf(id: string, payee: string | undefined, effective_from?: string) {
  return {
    id,
    name: id,
    currency: "USD",
    ...(payee === undefined ? {} : { payee }),
    ...(effective_from === undefined ? {} : { effective_from }),
  };
}

export interface Spend {
  customer: string;
  model: number;
  tokens: number;
  /** Used in the month before, and booked late. */
  late: boolean;
}

export const anySpend: fc.Arbitrary<Spend> = fc.record({
  customer: fc.constantFrom(...CUSTOMERS),
  model: fc.nat(PAYEES.length - 1),
  tokens: fc.oneof(fc.nat(2_000), fc.nat(50_000_000)),
  late: fc.boolean(),
});

export function eventsOf(spends: readonly Spend[], month: string, before: string) {
  return spends.map(({ customer, model, tokens, late }, n) =>
    usageEvent({
      id: `${month}-${n}`,
      customer,
      model: `${PAYEES[model]}/m`,
      time: `${late ? before : month}-20T12:00:00Z`,
      metrics: { input_token_count: tokens },
    }),
  );
}

/** Who was linked to whom, and whose usage was netted, from when on: what the oracle knows. */
export interface History {
  links: { customer: string; from: string; payee: string | undefined }[];
  rules: { customer: string; from: string; nets: boolean }[];
}

/** What close must net of a month, by customer and payee: written without a look at the product. */
export function expectedNettings(
  { links, rules }: History,
  spends: readonly Spend[],
  month: string,
  before: string,
  earned: ReadonlyMap<string, Nanos>,
): Record<string, Nanos> {
  const left = new Map(earned);
  const netted: Record<string, Nanos> = {};
  for (const customer of [...CUSTOMERS].sort()) {
    const rule = rules.filter((one) => one.customer === customer && one.from <= month).at(-1);
    if (rule?.nets === false) continue;
    const owed = new Map<string, Rational>();
    for (const spend of spends.filter((one) => one.customer === customer)) {
      const payee = linkedAllMonth(links, customer, spend.late ? before : month);
      if (payee === undefined) continue;
      const price = present(parseDecimal(PRICES[spend.model] ?? ""), "a price");
      const gross = multiply(price, rational(BigInt(spend.tokens)));
      owed.set(payee, add(owed.get(payee) ?? ZERO, gross));
    }
    for (const [payee, gross] of owed) {
      const nanos = floor(multiply(gross, rational(1_000_000_000n)));
      const has = left.get(payee) ?? 0n;
      const taken = nanos < has ? nanos : has;
      if (taken === 0n) continue;
      left.set(payee, has - taken);
      netted[`${customer} ${payee}`] = taken;
    }
  }
  return netted;
}

function linkedAllMonth(links: History["links"], customer: string, month: string): string | undefined {
  const own = links.filter((link) => link.customer === customer);
  const atStart = own.filter(({ from }) => from <= `${month}-01`).at(-1)?.payee;
  const moved = own.some(
    ({ from, payee }) => from > `${month}-01` && from.startsWith(month) && payee !== atStart,
  );
  return moved ? undefined : atStart;
}

/** By payee, what a released month earned, in nanos. */
export async function earnedIn(sql: Sql, month: Period): Promise<Map<string, Nanos>> {
  const rows = await sql<{ payee: string; nanos: string }[]>`
    SELECT split_part(account, ':', 2) AS payee, sum(amount_nanos)::text AS nanos FROM accrual_part
    WHERE booked_period = ${`${month}-01`} AND account LIKE 'payee:%' GROUP BY 1`;
  return new Map(rows.map(({ payee, nanos }) => [payee, BigInt(nanos)]));
}
