import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LogReader } from "../../src/usage/index.ts";
import { type FreshBooks, openFreshBooks } from "./fresh-books.ts";
import { runSimulation } from "./run-simulation.ts";
import { LOG_ID } from "./world/simulated-log.ts";
import type { Flaw } from "./world/world.ts";

// A simulation that finds nothing proves nothing: each of these mistakes must be noticed.

const SEED = 1;
const SEEDS_MAX = 120;

let books: FreshBooks;

beforeAll(async () => {
  books = await openFreshBooks();
});

afterAll(() => books?.drop());

/** What the first history that notices says. */
async function firstComplaint(flaw: Flaw): Promise<string> {
  for (let seed = SEED; seed < SEED + SEEDS_MAX; seed++) {
    await books.reset();
    const complaint = await runSimulation({ seed, books: books.sql, flaw }).then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (complaint !== undefined) return complaint;
  }
  return `nothing was noticed in ${SEEDS_MAX} histories`;
}

/** Takes the partition anew before each batch, and does not look where it must go on. */
function withoutFencing(reader: LogReader): LogReader {
  return {
    ...reader,
    async apply(batch) {
      await reader.claim(LOG_ID, batch.partition);
      await reader.apply(batch);
    },
  };
}

/** Takes an error for a batch that is done. */
function withoutClaimingAgain(reader: LogReader): LogReader {
  return { ...reader, apply: (batch) => reader.apply(batch).catch(() => {}) };
}

/** Tells events apart by where they stand in the log, so that a retry is another event. */
function withoutIdentities(reader: LogReader): LogReader {
  return {
    ...reader,
    apply({ records, ...batch }) {
      const rename = (text: string, offset: bigint) =>
        text.replaceAll(/"id":"prediction-\d+/g, `$&-${batch.partition}-${offset}`);
      const renamed = records.map(({ value, ...record }) => {
        const text = value.toString("latin1");
        return { ...record, value: Buffer.from(rename(text, record.offset), "latin1") };
      });
      return reader.apply({ ...batch, records: renamed });
    },
  };
}

let keys = 0;

describe("the simulation notices", () => {
  test.each<[string, Flaw, RegExp]>([
    ["a worker that ignores that it was fenced", { reader: withoutFencing }, /LawBroken: .*partition|moved/],
    ["a worker that goes on after an error", { reader: withoutClaimingAgain }, /LawBroken: a batch/],
    ["metering that does not know an event again", { reader: withoutIdentities }, /LawBroken: metering says/],
    [
      "a payer that makes a new key for each try",
      {
        provider: (provider) => ({
          ...provider,
          findTransfer: (request) => provider.findTransfer(request),
          accountStatus: (account) => provider.accountStatus(account),
          transfer: (request) => provider.transfer({ ...request, idempotencyKey: `key-${++keys}` }),
        }),
      },
      /LawBroken: transfers are wrong/,
    ],
    [
      "a payer that takes a lost answer for a refusal",
      {
        provider: (provider) => ({
          ...provider,
          findTransfer: (request) => provider.findTransfer(request),
          accountStatus: (account) => provider.accountStatus(account),
          async transfer(request) {
            const answer = await provider.transfer(request);
            return answer.outcome === "unknown" ? { outcome: "failed", detail: answer.detail } : answer;
          },
        }),
      },
      /LawBroken: transfers are wrong/,
    ],
  ])("%s", { timeout: 180_000 }, async (_, flaw, complaint) => {
    const found = await firstComplaint(flaw);
    expect(found).toMatch(complaint);
    expect(found).toMatch(/replay with: SIMULATION_SEED=\d+/);
  });
});
