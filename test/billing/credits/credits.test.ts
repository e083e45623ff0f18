import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { correct } from "../../../src/adjustments/index.ts";
import {
  type Credit,
  expireCredits,
  grantCredit,
  listCredits,
  listInvoices,
  makeInvoices,
  type NewCredit,
  spendStandings,
} from "../../../src/billing/index.ts";
import { type Money, parseNanos, present } from "../../../src/kernel/index.ts";
import type { Sql } from "../../../src/postgres/index.ts";
import { monthOf } from "../../support/marketplace-books.ts";
import { close, expectBooksToHold, startInvoiceBooks, use } from "../invoice-books.ts";

const MONTHS = ["2023-06", "2023-07", "2023-08"].map(monthOf);
const CUSTOMER = "acme-USD";
const OTHER = "globex-USD";
const CENT = 10_000_000n;
const HOUR_MS = 3_600_000;

const nanosOf = ({ amount }: Money) => present(parseNanos(amount), "an amount");

async function balance(sql: Sql, path: string): Promise<bigint> {
  const [row] = await sql<[{ nanos: string }]>`SELECT account_balance_of(${path}, 'USD')::text AS nanos`;
  return BigInt(row.nanos);
}

const grant = (sql: Sql, fields: Partial<NewCredit> = {}) =>
  grantCredit(sql, {
    customer: CUSTOMER,
    currency: "USD",
    amountNanos: 5n * 1_000_000_000n,
    kind: "promotional",
    priority: 100,
    expiresAt: null,
    reason: "test",
    reference: null,
    by: "test",
    requestKey: undefined,
    ...fields,
  });

interface Grant {
  nanos: number;
  paid: boolean;
  priority: number;
  /** Hours from now; 0 for never. */
  expires: number;
}

/** What happens between two invoices: grants, then usage in seconds, then some grants are revoked and so many hours pass. */
interface Chapter {
  grants: Grant[];
  revoked: number[];
  seconds: number;
  hours: number;
}

const anyGrant: fc.Arbitrary<Grant> = fc.record({
  nanos: fc.oneof(fc.integer({ min: 1, max: 30_000_000 }), fc.integer({ min: 1, max: 2_000_000_000 })),
  paid: fc.boolean(),
  priority: fc.integer({ min: 0, max: 2 }),
  expires: fc.integer({ min: 0, max: 5 }),
});

const anyChapter: fc.Arbitrary<Chapter> = fc.record({
  grants: fc.array(anyGrant, { maxLength: 4 }),
  revoked: fc.array(fc.nat(20), { maxLength: 2 }),
  seconds: fc.integer({ min: 0, max: 2_000 }),
  hours: fc.integer({ min: 0, max: 3 }),
});

interface Held {
  id: string;
  grant: Grant;
  left: bigint;
  used: bigint;
  expired: bigint;
  revoked: bigint;
  over: boolean;
}

/** The rules in plain words: soonest expiry, then priority, then the oldest; whole cents; what is due stays. */
class Oracle {
  readonly held: Held[] = [];
  /** Nanos, rounded up to the nano; used and not invoiced. */
  unbilled = 0n;

  inOrder(): Held[] {
    const when = ({ grant: { expires } }: Held) => (expires === 0 ? Number.POSITIVE_INFINITY : expires);
    const by = (a: number, b: number) => (a === b ? 0 : a - b);
    return this.held.toSorted(
      (a, b) =>
        by(when(a), when(b)) ||
        a.grant.priority - b.grant.priority ||
        this.held.indexOf(a) - this.held.indexOf(b),
    );
  }

  expire(hour: number): void {
    let needed = this.unbilled;
    for (const one of this.inOrder()) {
      const { left } = one;
      const kept = needed < left ? needed : left;
      needed -= kept;
      if (one.over || one.grant.expires === 0 || one.grant.expires > hour) continue;
      one.over = true;
      one.expired += left - kept;
      one.left = kept;
    }
  }

  /** Answers whether anything was taken back. */
  revoke(revoked: Held): boolean {
    let needed = this.unbilled;
    for (const one of this.inOrder()) {
      const kept = needed < one.left ? needed : one.left;
      needed -= kept;
      if (one !== revoked) continue;
      const taken = one.left - kept;
      one.revoked += taken;
      one.left = kept;
      return taken > 0n;
    }
    return false;
  }

  pay(amount: bigint): bigint {
    const all = this.held.reduce((sum, { left }) => sum + left, 0n);
    const payable = (all / CENT) * CENT;
    const total = amount < payable ? amount : payable;
    let rest = total;
    for (const one of this.inOrder()) {
      const part = rest < one.left ? rest : one.left;
      one.left -= part;
      one.used += part;
      rest -= part;
    }
    return total;
  }
}

/** $0.000975 a second. */
const NANOS_A_SECOND = 975_000n;

async function live(
  sql: Sql,
  chapters: readonly Chapter[],
  books: Awaited<ReturnType<typeof startInvoiceBooks>>,
) {
  const began = Date.now() + HOUR_MS / 2;
  const at = (hour: number) => new Date(began + hour * HOUR_MS);
  const oracle = new Oracle();
  let hour = 0;
  for (const [n, { grants, revoked, seconds, hours }] of chapters.entries()) {
    const month = present(MONTHS[n], "a month");
    for (const one of grants) {
      // Nothing can be granted that is over already.
      const given = { ...one, expires: one.expires === 0 ? 0 : one.expires + hour };
      const id = await grant(sql, {
        amountNanos: BigInt(one.nanos),
        kind: one.paid ? "paid" : "promotional",
        reference: one.paid ? `bank-${n}-${grants.indexOf(one)}` : null,
        priority: one.priority,
        expiresAt: given.expires === 0 ? null : at(given.expires),
      });
      oracle.held.push({
        id,
        grant: given,
        left: BigInt(one.nanos),
        used: 0n,
        expired: 0n,
        revoked: 0n,
        over: false,
      });
    }
    const none = {
      customer: 0,
      currency: 0,
      model: 1,
      tokens: 0,
      micros: seconds * 1_000_000,
      day: 3,
      late: 0,
    };
    await use(books, month, month, [none], `chapter-${n}`);
    oracle.unbilled += BigInt(seconds) * NANOS_A_SECOND;
    for (const [r, which] of revoked.entries()) {
      const one = oracle.held[which % Math.max(1, oracle.held.length)];
      if (one === undefined) continue;
      const asked = { kind: "revocation" as const, credit: one.id };
      const made = correct(sql, { asked, reference: `revoked-${n}-${r}`, reason: "a mistake", by: "test" });
      if (oracle.revoke(one)) expect(await made).toMatchObject({ state: "booked" });
      else await expect(made).rejects.toMatchObject({ code: "nothing_to_revoke" });
    }
    hour += hours;
    await expireCredits(sql, new Date(at(hour).getTime() + 60_000));
    oracle.expire(hour);
    await close(sql, month);
    await makeInvoices(sql, month, { by: "test" });
    const [invoice] = (await listInvoices(sql, { limit: 100, period: month })).filter(
      ({ customer }) => customer === CUSTOMER,
    );
    const amount = invoice === undefined ? 0n : nanosOf(invoice.amount);
    oracle.unbilled -= amount;
    const paid = oracle.pay(amount);
    if (invoice !== undefined) expect(nanosOf(invoice.paid_from_credits)).toBe(paid);
  }
  return oracle;
}

const figures = (credits: readonly Credit[]) =>
  credits.map(({ id, used, expired, revoked, left }) => [id, ...[used, expired, revoked, left].map(nanosOf)]);

test("grants are used, revoked and expire as a plain list would have it, over several invoices, and nothing is lost", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyChapter, { minLength: 1, maxLength: 3 }), async (chapters) => {
      const books = await startInvoiceBooks();
      const { sql } = books;
      try {
        const oracle = await live(sql, chapters, books);
        const credits = await listCredits(sql, CUSTOMER, { limit: 100 });
        expect(figures(credits)).toEqual(
          oracle.inOrder().map(({ id, used, expired, revoked, left }) => [id, used, expired, revoked, left]),
        );
        const total = (pick: (one: Held) => bigint) => oracle.held.reduce((sum, one) => sum + pick(one), 0n);
        const promotional = (one: Held) => (one.grant.paid ? 0n : 1n);
        expect(await balance(sql, `customer:${CUSTOMER}:credit`)).toBe(-total(({ left }) => left));
        expect(await balance(sql, "platform:breakage")).toBe(
          -total((one) => one.expired * (1n - promotional(one))),
        );
        expect(await balance(sql, "platform:promotions")).toBe(
          total((one) => (one.left + one.used) * promotional(one)),
        );
        if (oracle.held.length > 0) {
          const [standing] = await spendStandings(sql, CUSTOMER);
          expect(standing?.creditNanos).toBe(total(({ left }) => left));
          expect(standing?.creditLeftNanos).toBe(total(({ left }) => left) - oracle.unbilled);
        }
        await expectBooksToHold(sql);
      } finally {
        await books.drop();
      }
    }),
    { numRuns: Number(process.env.CREDIT_RUNS ?? 8), endOnFailure: true },
  );
});

test("the same request, and the same reference, again are the same grant", async () => {
  const books = await startInvoiceBooks();
  onTestFinished(() => books.drop());
  const { sql } = books;
  const once = () => grant(sql, { requestKey: "k-1" });
  const ids = await Promise.all([once(), once(), once()]);
  expect(new Set(ids).size).toBe(1);
  const paid = () => grant(sql, { kind: "paid", reference: "bank-7" });
  expect(await paid()).toBe(await paid());
  // Money comes once, whoever is said to have sent it; also when both are said in the same moment.
  await expect(grant(sql, { kind: "paid", reference: "bank-7", customer: OTHER })).rejects.toMatchObject({
    code: "credit_differs",
    message: expect.stringContaining(`to ${CUSTOMER} before`),
  });
  const both = [CUSTOMER, OTHER].map((customer) =>
    grant(sql, { kind: "paid", reference: "bank-8", customer }),
  );
  expect((await Promise.allSettled(both)).map(({ status }) => status).sort()).toEqual([
    "fulfilled",
    "rejected",
  ]);
  await expect(grant(sql, { kind: "paid", reference: "bank-7", amountNanos: 1n })).rejects.toMatchObject({
    code: "credit_differs",
  });
  const balances = await Promise.all([CUSTOMER, OTHER].map((id) => balance(sql, `customer:${id}:credit`)));
  expect(balances.reduce((sum, one) => sum + one)).toBe(-15_000_000_000n);
  await expectBooksToHold(sql);
});
