import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { computeOracle } from "../oracle/index.ts";
import { startService, type TestService } from "../support/service.ts";
import { until } from "../support/until.ts";
import { type GeneratedMonth, generateMonth, type MonthEvent } from "./generated-month.ts";

const PERIOD = "2023-11";
const SEED = Number(process.env.STORY_SEED ?? Math.floor(Math.random() * 1e9));
const EVENTS = Number(process.env.STORY_EVENTS ?? 12_000);
const PAYEES = Number(process.env.STORY_PAYEES ?? 12);
/** Of a step, from its start: a larger month takes longer. */
const LONGEST_MS = Number(process.env.STORY_KILLED_WITHIN_MS ?? 1_500);

interface Money {
  currency: string;
  amount: string;
}
const nanos = ({ amount }: Money) => BigInt(amount.replace(".", ""));

describe(`a month of ${EVENTS} events and ${PAYEES} payees with seed ${SEED}, killed again and again`, () => {
  let dataDir: string;
  let service: TestService;
  let month: GeneratedMonth;
  let expected: Map<string, bigint>;

  beforeAll(async () => {
    month = await generateMonth(SEED, EVENTS, PAYEES);
    // Keyed "payee USD"; everybody is paid in dollars here.
    expected = computeOracle(catalogOf(month), month.events).earned;
    dataDir = await mkdtemp(join(tmpdir(), "tributary-story-"));
    service = await startService(dataDir);
    await service.call("POST", "/catalog/import", catalogOf(month));
  });

  /** The step is killed at points of its own, alone or with PostgreSQL and the service, and then done. */
  async function killedAndDone(step: string, ...strikes: ("command" | "everything")[]): Promise<void> {
    const args = [step, "--period", PERIOD];
    for (const strike of strikes) {
      const ms = 300 + month.random() * LONGEST_MS;
      const killed = service.commandKilled("settle", args, ms);
      if (strike === "everything") {
        await pause(ms * month.random());
        await service.kill();
        await killed;
        await service.start();
      }
      await killed;
    }
    expect((await service.command("settle", args)).code, step).toBe(0);
  }

  afterAll(async () => {
    await service?.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  test("live earnings equal the oracle to the nano although all was killed while a batch was on its way", async () => {
    await sendAll(service, month);
    const metered = async () => (await service.call<{ lag: number }>("GET", "/metering/status")).lag === 0;
    await until(metered, 600_000);
    const status = await service.call<Record<string, string>>("GET", "/metering/status");
    expect(status).toMatchObject({ applied: String(EVENTS), conflict: "0", dead: "0", waiting: "0" });
    await eachOf(month.payees, async (payee) => {
      const path = `/payees/${payee}/earnings?from=2023-11-01&to=2023-12-01&group_by=model,day,version,customer_country`;
      const { total, data } = await service.call<{ total: Money; data: { earned: Money }[] }>("GET", path);
      expect([payee, nanos(total)]).toEqual([payee, expected.get(`${payee} USD`) ?? 0n]);
      expect(data.reduce((sum, { earned }) => sum + nanos(earned), 0n)).toBe(nanos(total));
    });
  });

  test("the month closed under kill -9 has statements that say the same, and a second close changes nothing", async () => {
    await killedAndDone("close", "command", "everything");
    const statements = await readStatements(service, month);
    for (const { payee, earned, lines } of statements) {
      expect([payee, nanos(earned)]).toEqual([payee, expected.get(`${payee} USD`) ?? 0n]);
      expect(lines.reduce((sum, line) => sum + nanos(line.earned), 0n)).toBe(nanos(earned));
    }
    expect((await service.command("settle", ["close", "--period", PERIOD])).code).toBe(0);
    expect(await readStatements(service, month)).toEqual(statements);
  });

  test("payouts killed at several points and run again match the plan one to one", async () => {
    await killedAndDone("plan", "command");
    await killedAndDone("approve", "command");
    await killedAndDone("pay", "command", "everything", "command");
    const again = await service.command("settle", ["pay", "--period", PERIOD]);
    expect(again).toMatchObject({ code: 0, out: expect.stringContaining("nothing was left to pay") });
    const settlement = await service.call<Settlement>("GET", `/settlements/${PERIOD}`);
    expect(settlement.state).toBe("paid");
    const planned = settlement.plan.payouts.map(({ id, account, amount }) => [
      id,
      account,
      Number(nanos(amount) / 10_000_000n),
    ]);
    expect(await transfers(service)).toEqual(planned.sort());
    // What customers linked to a payee used was paid out of its earnings at close; test/settlement/netting.test.ts has its oracle.
    const netted = new Map(
      (await readStatements(service, month)).map((statement) => [statement.payee, nanos(statement.netted)]),
    );
    const linked = new Set(month.customers.map(({ payee }) => payee));
    for (const { payee, amount, carried } of settlement.plan.payouts) {
      const nettedNanos = netted.get(payee) ?? 0n;
      expect(nanos(amount) + nanos(carried)).toBe((expected.get(`${payee} USD`) ?? 0n) - nettedNanos);
      if (!linked.has(payee)) expect([payee, nettedNanos]).toEqual([payee, 0n]);
    }
  });

  test("every law of the books holds, beside the running service and after another kill", async () => {
    expect(await service.command("verify", [])).toMatchObject({ code: 0 });
    await service.kill();
    expect(await service.command("verify", [])).toMatchObject({ code: 0 });
    await service.start();
  }, 1_200_000);
});

interface Settlement {
  state: string;
  plan: { payouts: { id: string; payee: string; account: string; amount: Money; carried: Money }[] };
}
interface Statement {
  payee: string;
  earned: Money;
  netted: Money;
  lines: { earned: Money }[];
}

function catalogOf(month: GeneratedMonth) {
  const effective_from = "2023-01-01T00:00:00Z";
  return {
    payees: month.payees.map((id) => ({ id, name: id, country: "US", default_currency: "USD" })),
    models: month.models.map(({ id, payee, base }) => ({ id, payee, base_model: base })),
    customers: month.customers.map((customer) => ({ ...customer, name: customer.id, currency: "USD" })),
    policies: month.models.flatMap(({ id, steps }) =>
      steps === null ? [] : [{ model: id, effective_from, steps }],
    ),
    prices: month.models.map(({ id, chargeStatuses, components }) => ({
      model: id,
      currency: "USD",
      effective_from,
      charge_statuses: chargeStatuses,
      components,
    })),
  };
}

/** Sends batches of 1 to 1,000; halfway, kill -9 strikes while one is under way, and it is sent again. */
async function sendAll(service: TestService, { sent, random }: GeneratedMonth): Promise<void> {
  let killed = false;
  for (let at = 0; at < sent.length; ) {
    const batch = sent
      .slice(at, at + ([1, 10, 100, 1000][Math.floor(random() * 4)] ?? 1) + Math.floor(random() * 50))
      .slice(0, 1000);
    const strike = !killed && at > sent.length / 2;
    const [answered] = await Promise.all([send(service, batch), strike ? service.kill() : undefined]);
    if (strike) {
      killed = true;
      await service.start();
    } else {
      expect(answered).toEqual({ accepted: batch.length, rejected: [] });
    }
    // Not acknowledged: the producer sends the very same events again.
    if (answered !== undefined) at += batch.length;
  }
}

async function send(service: TestService, batch: MonthEvent[]): Promise<unknown> {
  return service
    .call("POST", "/events", batch, "application/cloudevents-batch+json")
    .catch((error: unknown) => {
      if (error instanceof TypeError) return undefined;
      throw error;
    });
}

function readStatements(service: TestService, month: GeneratedMonth): Promise<Statement[]> {
  return eachOf(month.payees, (payee) =>
    service.call<Statement>("GET", `/payees/${payee}/statements/${PERIOD}`),
  );
}

/** A dozen at a time: a service answers ten thousand questions, but not all at once. */
async function eachOf<T, R>(items: readonly T[], ask: (item: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = [];
  for (let at = 0; at < items.length; at += 12)
    answers.push(...(await Promise.all(items.slice(at, at + 12).map(ask))));
  return answers;
}

async function transfers(service: TestService): Promise<unknown[]> {
  const found: [string, string, number][] = [];
  for (let after: string | undefined, more = true; more; ) {
    const response = await fetch(
      `${service.simulator}/v1/transfers?limit=100${after === undefined ? "" : `&starting_after=${after}`}`,
      { headers: { authorization: "Bearer sk_test_story" } },
    );
    const { data, has_more } = (await response.json()) as {
      data: { id: string; transfer_group: string; destination: string; amount: number }[];
      has_more: boolean;
    };
    for (const { transfer_group, destination, amount } of data)
      found.push([transfer_group, destination, amount]);
    after = data.at(-1)?.id;
    more = has_more;
  }
  return found.sort();
}
