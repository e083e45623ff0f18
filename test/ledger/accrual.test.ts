import fc from "fast-check";
import { expect, test } from "vitest";
import { accrueOpenPeriods, accruePeriod } from "../../src/earnings/index.ts";
import { periodOfDay } from "../../src/kernel/index.ts";
import { startTestMetering, type TestMetering } from "../support/metering.ts";
import { SMALL_CATALOG, tokenPrice, usageEvent } from "../support/usage.ts";

// Seven of eleven parts and a price of a third of nothing: every line leaves something to round.
const CATALOG = {
  ...SMALL_CATALOG,
  models: [
    { id: "ada/llm", payee: "ada" },
    { id: "lin/tuned", payee: "lin", base_model: "ada/llm" },
  ],
  policies: [
    {
      model: "lin/tuned",
      effective_from: "2023-01-01T00:00:00Z",
      steps: [
        { take: "cost", meter: "predict_seconds", amount: "0.000975", per: "1" },
        { take: "platform", percent: "17.5" },
        { take: "royalty", percent: "3.333333", of: "remaining" },
        {
          take: "shares",
          shares: [
            { payee: "lin", weight: 7 },
            { payee: "ada", weight: 4 },
          ],
        },
      ],
    },
  ],
  prices: ["ada/llm", "lin/tuned"].map((model) =>
    tokenPrice(model, { components: [{ meter: "input_tokens", amount: "0.333333333337", per: "1000" }] }),
  ),
};

const november = periodOfDay("2023-11-01");

async function books({ sql }: TestMetering) {
  const balances = await sql`
    SELECT a.path, b.currency, b.balance_nanos::text AS nanos
    FROM account_balance b JOIN ledger_account a USING (account_no) WHERE b.balance_nanos <> 0 ORDER BY 1, 2`;
  const parts = await sql`
    SELECT booked_period::text, service_month::text, m.id AS model, account, reason, paid_by, amount_nanos::text AS nanos
    FROM accrual_part JOIN model m USING (model_no) ORDER BY 1, 2, 3, 4, 5, 6`;
  return { balances: [...balances], parts: [...parts] };
}

async function balancesAreSums({ sql }: TestMetering): Promise<void> {
  const wrong = await sql`
    SELECT account_no FROM account_balance b
    FULL JOIN (SELECT p.account_no, e.currency, sum(p.amount_nanos) AS total FROM posting p
               JOIN journal_entry e USING (entry_no) GROUP BY 1, 2) s USING (account_no, currency)
    WHERE b.balance_nanos IS DISTINCT FROM s.total`;
  expect([...wrong]).toEqual([]);
}

const usage = fc.record({
  model: fc.constantFrom("ada/llm", "lin/tuned"),
  time: fc.constantFrom("2023-11-01T00:00:00Z", "2023-11-30T23:59:59Z", "2023-12-05T00:00:00Z"),
  metrics: fc.record({ input_token_count: fc.nat(5000), predict_time: fc.constantFrom(0, 0.5, 400) }),
});

test("accruing after every few events comes to the same books as accruing once at the end", async () => {
  const steps = fc.array(fc.array(usage, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(steps, async (batches) => {
      const [often, once] = await Promise.all([startTestMetering(CATALOG), startTestMetering(CATALOG)]);
      try {
        for (const [step, batch] of batches.entries()) {
          const values = batch.map((fields, n) => usageEvent({ ...fields, id: `${step}-${n}` }));
          await Promise.all([often.apply(0, values), once.apply(0, values)]);
          await accrueOpenPeriods(often.sql);
          if (step % 2 === 0) await accrueOpenPeriods(often.sql);
        }
        await accrueOpenPeriods(once.sql);
        expect(await books(often)).toEqual(await books(once));
        await balancesAreSums(often);
      } finally {
        await Promise.all([often.drop(), once.drop()]);
      }
    }),
    { numRuns: 6 },
  );
});

test("an accrual with nothing new posts nothing", async () => {
  const metering = await startTestMetering(CATALOG);
  const entries = async () => (await metering.sql`SELECT FROM journal_entry`).length;
  await metering.apply(0, [usageEvent({ id: "a", model: "lin/tuned" })]);
  await accruePeriod(metering.sql, november);
  expect(await entries()).toBe(1);
  await accruePeriod(metering.sql, november);
  expect(await entries()).toBe(1);
  await metering.drop();
});

test("accruals at the same moment, with usage coming in between, double nothing and lose nothing", async () => {
  const [crowded, calm] = await Promise.all([startTestMetering(CATALOG), startTestMetering(CATALOG)]);
  const batches = Array.from({ length: 12 }, (_, batch) =>
    Array.from({ length: 10 }, (_, n) =>
      usageEvent({
        id: `${batch}-${n}`,
        model: n % 2 === 0 ? "ada/llm" : "lin/tuned",
        metrics: { input_token_count: 7 * n + batch, predict_time: n / 3 },
      }),
    ),
  );
  const metered = Promise.all(
    [0, 1].map(async (partition) => {
      for (const [n, batch] of batches.entries())
        if (n % 2 === partition) await crowded.apply(partition, batch);
    }),
  );
  let done = false;
  void metered.then(() => {
    done = true;
  });
  const accruing = Array.from({ length: 3 }, async () => {
    while (!done) await accrueOpenPeriods(crowded.sql);
  });
  await Promise.all([metered, ...accruing]);
  await accrueOpenPeriods(crowded.sql);

  await calm.apply(0, batches.flat());
  await accrueOpenPeriods(calm.sql);
  expect(await books(crowded)).toEqual(await books(calm));
  await balancesAreSums(crowded);
  await Promise.all([crowded.drop(), calm.drop()]);
});

test("an accrual with figures that are older than the books changes nothing", async () => {
  const metering = await startTestMetering(CATALOG);
  const { sql } = metering;
  await metering.apply(0, [usageEvent({ id: "a", model: "lin/tuned" })]);
  await accruePeriod(sql, november);
  const older = await sql`
    SELECT l.service_month, l.model_no, 'lin/tuned' AS model, l.split_plan_no, l.currency, l.gross::text,
      l.cost_quantity::text, l.events::text, l.receivable_nanos::text AS receivable,
      (SELECT jsonb_agg(jsonb_build_object('account', account, 'reason', reason, 'paid_by', paid_by,
        'amount', amount_nanos::text)) FROM accrual_part) AS parts FROM accrual_line l`;
  await metering.apply(0, [usageEvent({ id: "b", model: "lin/tuned" })]);
  await accruePeriod(sql, november);
  const before = await books(metering);
  await sql`SELECT post_accrual('2023-11-01', ${JSON.stringify(older)}::text::jsonb)`;
  expect(await books(metering)).toEqual(before);
  await balancesAreSums(metering);
  await metering.drop();
});

test("the regular accrual computes the lines that moved and no others, the final one computes all", async () => {
  const metering = await startTestMetering(CATALOG);
  const { sql } = metering;
  await metering.apply(0, [
    usageEvent({ id: "a", model: "lin/tuned" }),
    usageEvent({ id: "b", model: "ada/llm" }),
  ]);
  await accrueOpenPeriods(sql);
  const right = await books(metering);
  // As if the posting of lin/tuned had been forgotten: only computing its line anew can find that.
  await sql`UPDATE accrual_line SET events = 0, gross = 0 WHERE model_no = (SELECT model_no FROM model WHERE id = 'lin/tuned')`;
  const stale = () => sql`SELECT FROM accrual_line WHERE events = 0`;
  await accrueOpenPeriods(sql);
  expect(await stale()).toHaveLength(1);
  await metering.apply(0, [usageEvent({ id: "c", model: "ada/llm" })]);
  await accrueOpenPeriods(sql);
  expect(await books(metering)).not.toEqual(right);
  expect(await stale()).toHaveLength(1);
  await accruePeriod(sql, november);
  expect(await stale()).toHaveLength(0);
  expect(await sql`SELECT FROM usage_block WHERE accrued = 0`).toHaveLength(0);
  await balancesAreSums(metering);
  await metering.drop();
});

test("an accrual that died before it noted what it had posted is finished by the next one", async () => {
  const metering = await startTestMetering(CATALOG);
  const { sql } = metering;
  await metering.apply(0, [usageEvent({ id: "a", model: "lin/tuned" })]);
  await accruePeriod(sql, november);
  const posted = await books(metering);
  expect(await sql`SELECT FROM usage_block WHERE accrued = 0`).toHaveLength(1);
  await accrueOpenPeriods(sql);
  expect(await books(metering)).toEqual(posted);
  expect(await sql`SELECT FROM usage_block WHERE accrued = 0`).toHaveLength(0);
  await metering.drop();
});
