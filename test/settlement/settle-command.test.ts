import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { digitsInWords } from "../../src/kernel/index.ts";
import { startTestApi, type TestApi } from "../support/api.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";

// October is paid; November is run by hand, as finance does it.

const SETTLE = new URL("../../scripts/settle.ts", import.meta.url).pathname;

let api: TestApi;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tributary-test-statements-"));
  api = await startTestApi();
  await api.load(SMALL_CATALOG);
  await api.send(
    usageEvent({ id: "o1", time: "2023-10-05T00:00:00Z", metrics: { input_token_count: 100_000 } }),
    usageEvent({ id: "n1", metrics: { input_token_count: 300_000 } }),
  );
  expect(await settle("run", "--period", "2023-10")).toMatchObject({ code: 0 });
});
afterAll(async () => {
  await api?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function settle(...options: string[]) {
  const [{ name }] = await api.sql<[{ name: string }]>`SELECT current_database() AS name`;
  const { host, port, user, pass } = api.sql.options as unknown as Record<string, string>;
  const url = `postgres://${user}:${pass ?? ""}@${[host].flat()[0]}:${[port].flat()[0]}/${name}`;
  const child = spawn(process.execPath, [SETTLE, ...options], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, DATABASE_URL: url, STRIPE_API_BASE: api.simulator, CLOSE_GRACE: "0" },
  });
  let [output, errors] = ["", ""];
  child.stdout.on("data", (text: Buffer) => {
    output += text;
  });
  child.stderr.on("data", (text: Buffer) => {
    errors += text;
  });
  const [code] = (await once(child, "close")) as [number];
  return { code, output, errors };
}

test("a dry run of closing shows the month beside the one before, and closes nothing", async () => {
  const { code, output } = await settle("close", "--period", "2023-11", "--dry-run");
  expect(code).toBe(0);
  expect(output).toMatch(/2023-11 would close with:\n {2}USD: gross .* \(2023-10: gross /);
  expect((await settle("status", "--period", "2023-11")).output).toContain("2023-11: open");
});

test("statements of a month that is open are refused, and none are written", async () => {
  const { code, errors } = await settle("statements", "--period", "2023-11", "--out", folder);
  expect(code).toBe(1);
  expect(errors).toContain("close it first");
  expect(await readdir(folder)).toEqual([]);
});

test("a dry run of the plan shows whose payout differs from the month before, and by how much", async () => {
  expect((await settle("close", "--period", "2023-11")).code).toBe(0);
  const { output } = await settle("plan", "--period", "2023-11", "--dry-run", "--json");
  const { since, changes, plan } = JSON.parse(output);
  expect(since).toBe("2023-10");
  const [october] = await api.sql<{ nanos: string }[]>`
    SELECT amount_nanos::text AS nanos FROM payout WHERE period = '2023-10-01'`;
  const now = BigInt(plan.payouts[0].amount_nanos);
  expect(changes).toEqual([
    {
      payee: "ada",
      currency: "USD",
      before: money(BigInt(october?.nanos ?? 0)),
      now: money(now),
      difference: money(now - BigInt(october?.nanos ?? 0)),
      why: null,
    },
  ]);
  const shown = (await settle("plan", "--period", "2023-11", "--dry-run")).output;
  expect(shown).toContain("2023-10");
  expect(shown).toContain(` ${digitsInWords(money(now))} `);
});

function money(nanos: bigint) {
  const digits = nanos.toString().padStart(10, "0");
  return { currency: "USD", amount: `${digits.slice(0, -9)}.${digits.slice(-9)}` };
}

test("a plan is withdrawn with a reason: the one that is meant, and not in a dry run", async () => {
  const november = ["--period", "2023-11"];
  const withdraw = (...options: string[]) => settle("withdraw", ...november, ...options);
  expect(await withdraw("--reason", "too early")).toMatchObject({
    code: 1,
    errors: expect.stringContaining("no plan to withdraw"),
  });
  const { hash } = JSON.parse((await settle("plan", ...november, "--json")).output);
  expect(await withdraw()).toMatchObject({ code: 64, errors: expect.stringContaining("--reason") });
  expect((await withdraw("--dry-run")).output).toContain(hash);
  expect(await withdraw("--reason", "too early", "--hash", "0".repeat(64))).toMatchObject({
    code: 1,
    errors: expect.stringContaining(hash),
  });
  expect((await settle("status", ...november)).output).toContain("2023-11: planned");
  const done = await withdraw("--reason", "too early", "--json");
  expect(JSON.parse(done.output)).toEqual({ step: "withdraw", hash, reason: "too early" });
  expect((await settle("status", ...november)).output).toContain("withdrawn by cli:");
  const { body } = await api.operator("GET", "/v1/settlements/2023-11");
  expect(body).toMatchObject({ state: "closed", plan: null, withdrawn: { hash, reason: "too early" } });
});

test("while a run is under way a second one says who runs it, changes nothing and ends with 3", async () => {
  const session = await api.sql.reserve();
  await session`SELECT pg_advisory_lock(7006)`;
  try {
    const { code, errors } = await settle("run", "--period", "2023-11");
    expect(code).toBe(3);
    expect(errors).toMatch(/connected since .* is running the month: wait until it ends/);
    expect((await settle("status", "--period", "2023-11")).output).toContain("2023-11: closed");
  } finally {
    await session`SELECT pg_advisory_unlock(7006)`;
    session.release();
  }
  const { code, output } = await settle(
    "run",
    "--period",
    "2023-11",
    "--confirm",
    "ten_times_last",
    "--json",
  );
  expect(code).toBe(0);
  const steps = (JSON.parse(output) as { step: string }[]).map(({ step }) => step);
  expect(steps).toEqual(["close", "plan", "approve", "pay", "reconcile"]);
  expect((await settle("status", "--period", "2023-11")).output).toContain("payouts paid: 1");
});

test("statements are written as JSON, CSV and PDF; run again, only what is missing or torn is", async () => {
  const first = await settle("statements", "--period", "2023-11", "--out", folder, "--json");
  const { statements, written } = JSON.parse(first.output);
  expect(written).toBe(statements);
  const files = await readdir(folder);
  expect(files).toHaveLength(3 * statements);
  const [json = ""] = files.filter((name) => name.endsWith(".json"));
  expect((await readFile(join(folder, json.replace(".json", ".pdf")))).subarray(0, 5).toString()).toBe(
    "%PDF-",
  );
  await writeFile(join(folder, json), "{ torn by a ki");
  const again = await settle("statements", "--period", "2023-11", "--out", folder, "--json");
  expect(JSON.parse(again.output)).toMatchObject({ statements, written: 1 });
  expect(JSON.parse(await readFile(join(folder, json), "utf8"))).toMatchObject({ period: "2023-11" });
});

test("who ran it stands in the audit log, as over HTTP; dry runs and looking do not", async () => {
  expect((await settle("stop", "--reason", "a drill", "--by", "ops@example.com")).code).toBe(0);
  expect((await settle("resume", "--by", "ops@example.com")).code).toBe(0);
  const account = userInfo().username;
  const noted = async (about: string) => {
    const { body } = await api.operator("GET", `/v1/audit-log?about=${about}`);
    const { data } = body as {
      data: { route: string; principal: string; request_id: string; asked: object }[];
    };
    for (const { request_id, asked } of data) {
      expect(request_id).toMatch(/^cli:/);
      expect(asked).toMatchObject({ os_user: account });
    }
    return data.map(({ route, principal }) => `${principal} ${route.replace("{period}", "-")}`).reverse();
  };
  const month = (...steps: string[]) => steps.map((step) => `cli:${account} POST /settlements/-/${step}`);
  expect(await noted("2023-10")).toEqual(month("close", "plan", "approve", "pay", "reconcile"));
  expect(await noted("2023-11")).toEqual(
    month("close", "plan", "withdraw", "close", "plan", "approve", "pay", "reconcile"),
  );
  expect(await noted("payouts")).toEqual([
    "ops@example.com POST /payouts/stop",
    "ops@example.com POST /payouts/resume",
  ]);
});

test("what is no step of the month is wrong usage", async () => {
  expect((await settle("constructor", "--period", "2023-11")).code).toBe(64);
  expect((await settle("close", "--period", "2023-13")).code).toBe(64);
});
