import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runChecks } from "../../../src/audit/index.ts";
import { releaseReserves } from "../../../src/settlement/index.ts";
import { type FreshBooks, openFreshBooks } from "../../simulation/fresh-books.ts";
import { bookAll, commands, payAll, settleOnceMore } from "./commands.ts";
import { expectNobodyPaidTwice, expectNothingLeftBehind, expectOnlyExplained } from "./laws.ts";
import { letHoursPass, type Marketplace, openMarketplace, PAYEES } from "./marketplace.ts";

const RUNS = Number(process.env.PAYOUT_MACHINE_RUNS ?? 200);
const LANES = 2;
/** After so many runs in good weather, hours apart, nothing may be open any more. */
const RUNS_TO_REST = 6;

/** So many histories meet all of these. */
const RUNS_THAT_MEET_ALL = 100;
const TO_MEET = [
  ...["paid", "failed", "unknown", "no_funds", "carried"].map((result) => `a payout was ${result}`),
  "less was sent than was approved",
  "a payer was killed",
  "a reversal was booked",
  "a reserve was let go",
  "a balance was converted",
  ...["on_hold", "not_this_month", "nothing_payable"].map((reason) => `a balance was carried: ${reason}`),
  ...["outcome_open", "reversed", "bank_payout_failed"].map((kind) => `reconcile found ${kind}`),
];

let lanes: FreshBooks[] = [];
/** A verification asks the whole database: now and then is enough where every step has its own laws. */
const VERIFIED_EVERY = 10;
/** What letHoursPass() makes of a cut: usage is metered after it. */
const EARLIER = /^settlement .* was booked in it at/;
let played = 0;
const met = new Map<string, number>();

beforeAll(async () => {
  lanes = await Promise.all(Array.from({ length: LANES }, openFreshBooks));
});

afterAll(() => Promise.all(lanes.map((books) => books.drop())));

/** Good weather: no faults, funds for all, accounts in order, and a day between the runs. */
async function comeToRest(market: Marketplace): Promise<void> {
  const { control, sql, truth } = market;
  await control("DELETE", "/faults");
  await control("POST", "/balance", { currency: "usd", available: 10 ** 9 });
  const accounts = await sql<
    { id: string }[]
  >`SELECT stripe_account AS id FROM payee WHERE id = ANY (${PAYEES})`;
  for (const { id } of accounts)
    await control("POST", `/accounts/${id}`, { closed: false, transfers: "active" });
  market.failpoint = undefined;
  for (let run = 0; run < RUNS_TO_REST; run++) {
    await payAll(market, market.provider);
    await letHoursPass(market, 25);
  }
  if ((await releaseReserves(sql)) > 0) market.saw("a reserve was let go");
  const [{ held }] = await sql<
    [{ held: number }]
  >`SELECT count(*)::int AS held FROM reserve WHERE released_at IS NULL`;
  expect(held, "every reserve is let go in the end").toBe(0);
  await bookAll(market);
  await settleOnceMore(market);
  await expectNothingLeftBehind(market);
  await expectNobodyPaidTwice(market);
  const open = await sql`SELECT id, state, reason FROM payout WHERE state NOT IN ('paid', 'failed', 'carried')
                         AND period IN (SELECT period FROM settlement WHERE state = 'approved')`;
  expect(open, "every outcome is known in the end").toEqual([]);
  const differences = (await expectOnlyExplained(market)).flatMap((report) => report.differences);
  expect(differences.filter(({ kind }) => kind !== "bank_payout_failed")).toEqual([]);
  const paid = await sql<
    { id: string }[]
  >`SELECT transfer_id AS id FROM payout WHERE state = 'paid' ORDER BY 1`;
  expect([...truth.transfer.keys()].sort()).toEqual(paid.map(({ id }) => id));
}

async function play(
  books: FreshBooks,
  history: Iterable<fc.AsyncCommand<object, Marketplace>>,
): Promise<void> {
  await books.reset();
  const market = await openMarketplace(books.sql, (what) => met.set(what, (met.get(what) ?? 0) + 1));
  try {
    await fc.asyncModelRun(() => ({ model: {}, real: market }), history);
    await comeToRest(market);
    if (++played % VERIFIED_EVERY === 0)
      expect(
        (await runChecks(books.sql))
          .flatMap(({ differences }) => differences)
          .filter((one) => !EARLIER.test(one)),
      ).toEqual([]);
  } finally {
    await market.end();
  }
}

test(`${RUNS} histories of faults, crashes and lost answers pay nobody twice, and reconcile explains all of it`, {
  timeout: 120_000 + RUNS * 3_000,
}, async () => {
  const history = fc.commands(commands, { maxCommands: 10, size: "max" });
  const lane = (books: FreshBooks) =>
    fc.assert(
      fc.asyncProperty(history, (steps) => play(books, steps)),
      { numRuns: Math.ceil(RUNS / LANES), endOnFailure: process.env.CI !== undefined },
    );
  const ends = await Promise.allSettled(lanes.map(lane));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  console.log(
    [...met]
      .sort()
      .map(([what, count]) => `${String(count).padStart(6)} × ${what}`)
      .join("\n"),
  );
  const unmet = TO_MEET.filter((what) => !met.has(what));
  expect(RUNS < RUNS_THAT_MEET_ALL ? [] : unmet, "histories that do not meet this prove little").toEqual([]);
});
