import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Authorization,
  authorize,
  countSpend,
  customerSpend,
  grantCredit,
  releaseReservation,
  setSpendLimits,
  spendStandings,
  sweepSpend,
} from "../../../src/billing/index.ts";
import { foldCustomerWindows } from "../../../src/metering/index.ts";
import { eventIdentity } from "../../../src/usage/index.ts";
import { startTestMetering, type TestMetering } from "../../support/metering.ts";
import { tokenPrice, usageEvent } from "../../support/usage.ts";
import { exactly, expectBooksToHold, sumOf } from "../invoice-books.ts";

const NOW = new Date();
const THIS_MONTH = NOW.toISOString().slice(0, 7);
const UNIT = 1_000_000_000n;

let books: TestMetering;
let customers = 0;
let events = 0;

beforeAll(async () => {
  books = await startTestMetering({
    payees: [{ id: "ada", name: "Ada", country: "US", default_currency: "USD" }],
    customers: Array.from({ length: 40 }, (_, n) => ({ id: `c${n}`, name: "C", currency: "USD" })),
    models: [{ id: "ada/llm", payee: "ada" }],
    prices: [
      tokenPrice("ada/llm", {
        components: [
          { meter: "input_tokens", amount: "1.00", per: "1000" },
          { meter: "frames", amount: "0.013", per: "10" },
          { meter: "output_tokens", amount: "0.000000000123", per: "1", max_per_event: "500" },
        ],
      }),
    ],
  });
});
afterAll(() => books?.drop());

const anyone = () => `c${customers++}`;

const limit = (customer: string, fields: Partial<Parameters<typeof setSpendLimits>[2]> = {}) =>
  setSpendLimits(books.sql, customer, {
    currency: "USD",
    period: "month",
    softNanos: null,
    hardNanos: 10n * UNIT,
    prepaid: false,
    ...fields,
  });

const ask = (customer: string, id: string, nanos: bigint, ttlSeconds = 600): Promise<Authorization> =>
  authorize(books.sql, {
    customer,
    model: "ada/llm",
    currency: undefined,
    estimate: { nanos },
    prediction: { source: "//predictor/eu-1", id },
    ttlSeconds,
  });

/** A prediction of so many thousandths of a dollar, now. */
const happen = (customer: string, id: string, tokens: number, metrics: Record<string, number> = {}) =>
  books.apply(0, [
    [
      usageEvent({
        id,
        customer,
        time: NOW.toISOString(),
        metrics: { input_token_count: tokens, ...metrics },
      }),
    ],
  ]);

async function standing(customer: string) {
  const [one] = await spendStandings(books.sql, customer);
  if (one === undefined) throw new Error(`${customer} has no account`);
  return one;
}

const giveCredit = (customer: string, amountNanos: bigint) =>
  grantCredit(books.sql, {
    customer,
    currency: "USD",
    amountNanos,
    kind: "promotional",
    priority: 0,
    expiresAt: null,
    reason: "a gift",
    reference: null,
    by: "tester",
    requestKey: undefined,
  });

/** Makes the time of a customer's reservations be over. */
const passTime = (id: string) => {
  const identity = id.split("_")[1] ?? "";
  return books.sql`UPDATE spend_reservation SET expires_at = clock_timestamp() WHERE identity = ${identity}`;
};

describe("live spend", () => {
  test("is exact whatever of it is in the windows already, and counted the same for an account that came before, between or after", async () => {
    const anyUse = fc.record({
      tokens: fc.nat(100_000),
      frames: fc.nat(50),
      output: fc.nat(1_000),
      status: fc.constantFrom("succeeded", "failed"),
      after: fc.constantFrom("nothing", "fold", "count", "limit"),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(anyUse, { minLength: 1, maxLength: 6 }), async (uses) => {
        const customer = anyone();
        const grosses: string[] = [];
        for (const { tokens, frames, output, status, after } of uses) {
          const metrics = { input_token_count: tokens, frames, output_token_count: output };
          const time = NOW.toISOString();
          await books.apply(events % 2, [
            [usageEvent({ id: `live-${events++}`, customer, time, status, metrics })],
          ]);
          if (status === "succeeded")
            grosses.push(`${tokens}e-3`, `${frames * 13}e-4`, `${Math.min(output, 500) * 123}e-12`);
          if (after === "fold") await foldCustomerWindows(books.sql);
          if (after === "count") await countSpend(books.sql);
          if (after === "limit") await limit(customer);
        }
        const expected = sumOf(grosses.map(plain));
        const { lines } = await customerSpend(books.sql, customer, { groupBy: ["month"] });
        expect(sumOf(lines.map(({ gross }) => gross))).toEqual(expected);
        await limit(customer);
        expect(exactly((await standing(customer)).spent)).toEqual(expected);
      }),
      { numRuns: 10, endOnFailure: true },
    );
    await expectBooksToHold(books.sql);
  });
});

/** "123e-3" as a plain decimal. */
function plain(text: string): string {
  const [digits = "0", places = "0"] = text.split("e-");
  const padded = digits.padStart(Number(places) + 1, "0");
  return `${padded.slice(0, -Number(places))}.${padded.slice(-Number(places))}`;
}

describe("a hard limit", () => {
  test("is never passed by however many ask at once, and all of it can be used", async () => {
    const customer = anyone();
    await limit(customer);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => ask(customer, `${customer}-${n}`, 300_000_000n)),
    );
    expect(answers.filter(({ authorized }) => authorized)).toHaveLength(33);
    expect(answers.filter(({ reason }) => reason === "hard_limit_reached")).toHaveLength(7);
    expect(await standing(customer)).toMatchObject({
      reservedNanos: 9_900_000_000n,
      limitLeftNanos: 100_000_000n,
    });
  });

  test("counts an event in the place of its reservation, once, even above the estimate", async () => {
    const customer = anyone();
    await limit(customer);
    const { reservation } = await ask(customer, `${customer}-a`, 2n * UNIT);
    await happen(customer, `${customer}-a`, 2_500);
    await sweepSpend(books.sql);
    expect(await standing(customer)).toMatchObject({ spent: "2.5", reservedNanos: 0n });
    expect(await ask(customer, `${customer}-a`, UNIT)).toMatchObject({
      reason: "settled",
      reservation,
      amountNanos: 2n * UNIT,
    });
    expect(await releaseReservation(books.sql, reservation ?? "", undefined)).toBe("settled");
  });

  test("events are counted block by block, each with its own customer's reservation and no other", async () => {
    await sweepSpend(books.sql);
    const asked = [anyone(), anyone()];
    for (const customer of asked) {
      await limit(customer);
      await ask(customer, `${customer}-a`, 2n * UNIT);
      await happen(customer, `${customer}-a`, 1_000);
    }
    const count = async () => {
      const [row] = await books.sql`SELECT count_spend(1, false) AS events`;
      const open = await books.sql<{ customer: string }[]>`
        SELECT c.id AS customer FROM spend_account a JOIN customer c USING (customer_no)
        WHERE c.id = ANY (${asked}) AND a.reserved_nanos > 0`;
      return { events: row?.events, open: open.map(({ customer }) => customer) };
    };
    expect(await count()).toEqual({ events: 1, open: asked.slice(1) });
    expect(await count()).toEqual({ events: 1, open: [] });
    expect(await count()).toEqual({ events: 0, open: [] });
  });

  test("is free again when a reservation is released or its time is over, and not before", async () => {
    const customer = anyone();
    await limit(customer);
    const first = await ask(customer, `${customer}-a`, 6n * UNIT);
    const second = await ask(customer, `${customer}-b`, 4n * UNIT);
    expect(await ask(customer, `${customer}-c`, 1n)).toMatchObject({ authorized: false });
    expect(await releaseReservation(books.sql, first.reservation ?? "", ["//predictor/eu-1"])).toBe(
      "released",
    );
    await expect(releaseReservation(books.sql, second.reservation ?? "", ["//other"])).rejects.toMatchObject({
      code: "not_found",
    });
    expect(await ask(customer, `${customer}-c`, 6n * UNIT)).toMatchObject({ authorized: true });
    await passTime(second.reservation ?? "");
    // Nobody swept: whoever would be refused looks first.
    expect(await ask(customer, `${customer}-d`, 4n * UNIT)).toMatchObject({ authorized: true });
    // The same prediction, whose time was over, is a new question.
    expect(await ask(customer, `${customer}-b`, 1n)).toMatchObject({ authorized: false });
    expect((await standing(customer)).reservedNanos).toBe(10n * UNIT);
  });

  test("many questions in one call are answered as if each were asked after the one before it", async () => {
    const anyQuestion = fc.record({
      who: fc.nat(2),
      currency: fc.constantFrom("USD", "USD", "EUR"),
      nanos: fc.bigInt(0n, 6n * UNIT),
      catalog: fc.constantFrom(0, 0, 0, 1),
    });
    const [state] = await books.sql<[{ version: string }]>`SELECT version FROM catalog_state`;
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(anyQuestion, { minLength: 1, maxLength: 12 }), async (questions) => {
        run++;
        const version = Number(state.version) + 2 * run;
        // One customer has a limit in two currencies, one has a credit, and one has neither.
        const asked = async (way: string) => {
          const names = ["limited", "prepaid", "free"].map((kind) => `${kind}-${way}`);
          await books.catalog.change({
            customers: names.map((id) => ({ id, name: id, currency: "USD" })),
          });
          for (const currency of ["USD", "EUR"]) await limit(names[0] ?? "", { currency });
          await limit(names[1] ?? "", { hardNanos: null, prepaid: true });
          await giveCredit(names[1] ?? "", 7n * UNIT);
          const numbers = await books.sql<{ id: string; customer_no: number }[]>`
            SELECT id, customer_no FROM customer WHERE id IN ${books.sql(names)}`;
          return questions.map(({ who, currency, nanos, catalog }, n) => ({
            customer_no: numbers.find(({ id }) => id === names[who])?.customer_no ?? 0,
            currency,
            nanos: nanos.toString(),
            identity: eventIdentity("//predictor/eu-1", `${way}-${run}-${n}`),
            source: "//predictor/eu-1",
            ttl: 600,
            catalog: version - catalog,
          }));
        };
        const answersTo = (together: { customer_no: number }[]) => books.sql`
          SELECT state, amount_nanos, limit_left_nanos, credit_left_nanos, expires_at IS NOT NULL AS kept
          FROM authorize_predictions(${JSON.stringify(together)}::text::jsonb, ${together.map((one) => one.customer_no)}::int[])
          ORDER BY place`;
        const both = [await asked(`together${run}`), await asked(`alone${run}`)];
        const together = await answersTo(both[0] ?? []);
        const alone: unknown[] = [];
        for (const question of both[1] ?? []) alone.push(...(await answersTo([question])));
        expect([...together]).toEqual(alone);
        expect(together.map(({ state }) => state === "catalog_changed")).toEqual(
          questions.map(({ catalog }) => catalog > 0),
        );
      }),
      { numRuns: 25, endOnFailure: true },
    );
  });

  test("what the catalogue says now counts, whatever it said when the question before was asked", async () => {
    const id = anyone();
    await limit(id);
    const tokens = (prediction: string) =>
      authorize(books.sql, {
        customer: id,
        model: "ada/new",
        currency: undefined,
        estimate: { quantities: new Map([["input_tokens", 1_000n]]) },
        prediction: { source: "//predictor/eu-1", id: `${id}-${prediction}` },
        ttlSeconds: 600,
      });
    await expect(tokens("a")).rejects.toMatchObject({ code: "price_missing" });
    const price = (amount: string) => [
      {
        model: "ada/new",
        currency: "USD",
        charge_statuses: ["succeeded" as const],
        components: [{ meter: "input_tokens", amount, per: "1000" }],
        effective_from: new Date().toISOString(),
      },
    ];
    await books.catalog.change({ models: [{ id: "ada/new", payee: "ada" }], prices: price("1.00") });
    expect(await tokens("a")).toMatchObject({ authorized: true, amountNanos: UNIT });
    await books.catalog.change({ prices: price("2.50") });
    expect(await tokens("b")).toMatchObject({ authorized: true, amountNanos: (5n * UNIT) / 2n });
    expect(await standing(id)).toMatchObject({ reservedNanos: (7n * UNIT) / 2n });
  });

  test("a prediction that is asked for again after its customer's currency changed is held for once, in the new one", async () => {
    const id = anyone();
    for (const currency of ["USD", "EUR"]) await limit(id, { currency });
    expect(await ask(id, `${id}-a`, UNIT)).toMatchObject({ currency: "USD", authorized: true });
    await books.catalog.change({ customers: [{ id, name: "C", currency: "EUR" }] });
    expect(await ask(id, `${id}-a`, 3n * UNIT)).toMatchObject({
      currency: "EUR",
      reason: "reserved",
      amountNanos: 3n * UNIT,
    });
    expect(await spendStandings(books.sql, id)).toMatchObject([
      { currency: "EUR", reservedNanos: 3n * UNIT },
      { currency: "USD", reservedNanos: 0n },
    ]);
    await expectBooksToHold(books.sql);
  });

  test("an estimate costs what PostgreSQL's decimals say, to the nano and rounded up", async () => {
    const id = anyone();
    await limit(id, { hardNanos: 10n ** 30n });
    const anyUse = fc.record({
      input: fc.bigInt(0n, 10n ** 12n),
      output: fc.option(fc.bigInt(0n, 1_000n)),
      frames: fc.option(fc.bigInt(0n, 10n ** 9n)),
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(anyUse, async ({ input, output, frames }) => {
        const quantities = new Map([
          ["runs", 1n],
          ["input_tokens", input],
          ["unheard_of", 7n],
        ]);
        if (output !== null) quantities.set("output_tokens", output);
        if (frames !== null) quantities.set("frames", frames);
        const { amountNanos } = await authorize(books.sql, {
          customer: id,
          model: "ada/llm",
          currency: "USD",
          estimate: { quantities },
          prediction: { source: "//predictor/eu-1", id: `${id}-${run++}` },
          ttlSeconds: 600,
        });
        const [row] = await books.sql<[{ nanos: string }]>`
          SELECT ceil((${input.toString()}::numeric * 0.001 + least(${(output ?? 0n).toString()}::numeric, 500) * 0.000000000123
            + ${(frames ?? 0n).toString()}::numeric * 0.0013) * 1000000000)::text AS nanos`;
        expect(amountNanos.toString()).toBe(row.nanos);
      }),
      { numRuns: 60, endOnFailure: true },
    );
  });

  test("answers the same prediction the same, also when it is asked many times at once", async () => {
    const customer = anyone();
    await limit(customer);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => ask(customer, `${customer}-a`, 4n * UNIT)),
    );
    expect(new Set(answers.map(({ reservation }) => reservation)).size).toBe(1);
    expect((await standing(customer)).reservedNanos).toBe(4n * UNIT);
  });

  test("a reservation renewed after its time was over is held for once", async () => {
    const customer = anyone();
    await limit(customer);
    const { reservation } = await ask(customer, `${customer}-a`, 4n * UNIT);
    await passTime(reservation ?? "");
    expect(await ask(customer, `${customer}-a`, 5n * UNIT)).toMatchObject({ limitLeftNanos: 5n * UNIT });
    expect((await standing(customer)).reservedNanos).toBe(5n * UNIT);
  });

  test("a sweep ends all reservations whose time is over, however many, and no other", async () => {
    const [one, other] = [anyone(), anyone()];
    for (const customer of [one, other]) await limit(customer);
    await Promise.all(
      Array.from({ length: 230 }, (_, n) => ask(n % 2 === 0 ? one : other, `${one}-${n}`, 10_000_000n)),
    );
    await books.sql`
      UPDATE spend_reservation r SET expires_at = clock_timestamp() FROM customer c
      WHERE c.customer_no = r.customer_no AND c.id IN (${one}, ${other})`;
    await ask(other, `${other}-later`, UNIT);
    await sweepSpend(books.sql);
    expect((await standing(one)).reservedNanos).toBe(0n);
    expect((await standing(other)).reservedNanos).toBe(UNIT);
  });

  test("an event that came before its question is counted, and its reservation ends at the next count", async () => {
    const customer = anyone();
    await limit(customer, { period: "total" });
    await happen(customer, `${customer}-a`, 1_000);
    await sweepSpend(books.sql);
    await ask(customer, `${customer}-a`, 3n * UNIT);
    await sweepSpend(books.sql);
    expect(await standing(customer)).toMatchObject({ spent: "1", reservedNanos: 0n });
  });
});

test("a prepaid customer may use what credits cover and no more", async () => {
  const customer = anyone();
  await limit(customer, { hardNanos: null, prepaid: true });
  expect(await ask(customer, `${customer}-a`, 1n)).toMatchObject({
    authorized: false,
    reason: "credit_exhausted",
    creditLeftNanos: 0n,
  });
});

test("a customer without limits is authorized, and nothing is kept of it", async () => {
  const customer = anyone();
  expect(await ask(customer, `${customer}-a`, 10n ** 20n)).toMatchObject({
    authorized: true,
    reason: "no_limit",
    reservation: null,
  });
});

test("limits that are reached are noted once for each limit and month", async () => {
  const customer = anyone();
  await limit(customer, { softNanos: UNIT, hardNanos: 3n * UNIT });
  const crossings = () => books.sql<{ kind: string; limit_no: number; month: string }[]>`
    SELECT x.kind, x.limit_no, x.month FROM spend_crossing x JOIN customer c USING (customer_no)
    WHERE c.id = ${customer} ORDER BY limit_no, kind DESC`;
  await happen(customer, `${customer}-a`, 999);
  await sweepSpend(books.sql);
  expect(await crossings()).toHaveLength(0);
  for (const name of ["b", "c"]) {
    await happen(customer, `${customer}-${name}`, 1);
    await sweepSpend(books.sql);
  }
  expect(await crossings()).toMatchObject([{ kind: "soft", limit_no: 1, month: `${THIS_MONTH}-01` }]);
  // Refused for the hard limit: it is reached though less is spent.
  for (const name of ["d", "e"]) await ask(customer, `${customer}-${name}`, 3n * UNIT);
  expect((await crossings()).map(({ kind }) => kind)).toEqual(["soft", "hard"]);
  await limit(customer, { softNanos: UNIT, hardNanos: 5n * UNIT });
  expect((await crossings()).map(({ limit_no }) => limit_no)).toEqual([1, 1, 2]);
});
