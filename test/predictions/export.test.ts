import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatNanos, parseInstant, present } from "../../src/kernel/index.ts";
import { exportedPredictions, measureExport, writeParquet } from "../../src/predictions/index.ts";
import { type Call, OPERATOR_KEY, startTestApi, type TestApi } from "../support/api.ts";
import { expectProblem } from "../support/problem.ts";
import { SMALL_CATALOG, tokenPrice, usageEvent } from "../support/usage.ts";

const PARQUET = "application/vnd.apache.parquet";
const RANGE = "from=2023-11-01T00:00:00Z&to=2023-12-01T00:00:00Z";

let api: TestApi;
let calls: Record<"ada" | "lin" | "eve" | "acme", Call>;
const keys: Record<string, string> = {};

beforeAll(async () => {
  api = await startTestApi();
  await api.load({
    ...SMALL_CATALOG,
    payees: [...SMALL_CATALOG.payees, { id: "eve", name: "Eve", country: "US", default_currency: "USD" }],
    models: [...SMALL_CATALOG.models, { id: "lin/tuned", payee: "lin", base_model: "ada/llm" }],
    policies: [
      {
        model: "lin/tuned",
        effective_from: "2023-01-01T00:00:00Z",
        steps: [
          { take: "platform", percent: "20" },
          { take: "royalty", percent: "7" },
          { take: "shares", shares: [{ payee: "lin", weight: 1 }] },
        ],
      },
    ],
    prices: [
      ...SMALL_CATALOG.prices,
      tokenPrice("lin/tuned", {
        components: [
          { meter: "input_tokens", amount: "0.123457", per: "1000" },
          { meter: "steps", amount: "0.5", per: "1" },
        ],
      }),
    ],
  });
  await api.send(
    usageEvent({ id: "p1", version: "v1", metrics: { input_token_count: 333, predict_time: 1.234567 } }),
    usageEvent({
      id: "p2",
      version: "v1",
      status: "failed",
      time: "2023-11-30T23:59:59.999999Z",
      parent: "p1",
    }),
    usageEvent({ id: "late", time: "2023-12-01T00:00:00Z" }),
    usageEvent({
      id: "p3",
      model: "lin/tuned",
      customer: "globex",
      metrics: { input_token_count: 777, steps: 3 },
    }),
    usageEvent({ id: "p4", model: "lin/tuned", version: "v2", metrics: { input_token_count: 1 } }),
  );
  const key = async (name: string, of: Record<string, string>) => {
    const { body } = await api.operator("POST", "/v1/keys", of);
    keys[name] = (body as { secret: string }).secret;
    return api.as(keys[name]);
  };
  calls = {
    ada: await key("ada", { role: "payee", payee: "ada" }),
    lin: await key("lin", { role: "payee", payee: "lin" }),
    eve: await key("eve", { role: "payee", payee: "eve" }),
    acme: await key("acme", { role: "customer", customer: "acme" }),
  };
  keys.operator = OPERATOR_KEY;
});
afterAll(() => api.stop());

type Row = Record<string, unknown>;

/** With the raw bytes of decimals as nanos, since the reader would make doubles of them. */
async function readRows(file: ArrayBuffer): Promise<Row[]> {
  const metadata = parquetMetadata(file);
  for (const element of metadata.schema) delete element.converted_type;
  const rows = await parquetReadObjects({ file, metadata });
  return rows.map((row) => ({ ...row, gross: nanosOf(row.gross), earned: nanosOf(row.earned) }));
}

function nanosOf(bytes: unknown): string | null {
  if (!(bytes instanceof Uint8Array)) return null;
  expect(bytes).toHaveLength(16);
  return formatNanos(BigInt.asIntN(128, BigInt(`0x${Buffer.from(bytes).toString("hex")}`)));
}

async function download(who: string, query = RANGE): Promise<Row[]> {
  const response = await fetch(`${api.url}/v1/exports/predictions?${query}`, {
    headers: { authorization: `Bearer ${keys[who]}`, accept: PARQUET },
  });
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe(PARQUET);
  return readRows(await response.arrayBuffer());
}

const idsOf = (rows: Row[]) => rows.map(({ id }) => id).sort();

describe("the export", () => {
  test("has for an operator everything of the range, and says of each what its page says", async () => {
    const rows = await download("operator");
    expect(idsOf(rows)).toEqual(["p1", "p2", "p3", "p4"]);
    for (const row of rows) {
      const { body } = await api.operator("GET", `/v1/predictions/${row.id}`);
      expect(body).toMatchObject({
        source: row.source,
        model: row.model,
        version: row.version ?? null,
        customer: row.customer,
        status: row.status,
        parent: row.parent ?? null,
        charged: row.charged,
        booked_period: row.booked_period,
        gross: { currency: row.currency, amount: row.gross },
      });
    }
    const [p1] = rows.filter(({ id }) => id === "p1");
    expect(p1).toMatchObject({
      predict_seconds: 1_234_567n,
      input_tokens: 333n,
      country: "US",
      earned: null,
    });
    const [p3] = rows.filter(({ id }) => id === "p3");
    expect(p3).toMatchObject({ other_meters: '{"steps":"3"}', gross: "1.595926089", country: "DE" });
    expect(JSON.parse(String(p3?.price))).toEqual({
      input_tokens: { amount: "0.123457", per: "1000" },
      steps: { amount: "0.5", per: "1" },
    });
  });

  test("has for a payee what it earns of or owns, its own part to the nano, and not who the customer is", async () => {
    expect(idsOf(await download("lin"))).toEqual(["p3", "p4"]);
    const rows = await download("ada");
    // The failed one too: the model is its own.
    expect(idsOf(rows)).toEqual(["p1", "p2", "p3", "p4"]);
    for (const row of rows) {
      expect(row.customer).toBeNull();
      const { body } = await calls.ada("GET", `/v1/predictions/${row.id}`);
      const { earnings } = body as { earnings: { earned: { amount: string } }[] };
      const earned = earnings.reduce((sum, { earned }) => sum + BigInt(earned.amount.replace(".", "")), 0n);
      expect(row.earned, String(row.id)).toBe(formatNanos(earned));
    }
    expect(await download("eve")).toEqual([]);
  });

  test("has for a customer its own, and refuses another one's", async () => {
    expect(idsOf(await download("acme"))).toEqual(["p1", "p2", "p4"]);
    expect(idsOf(await download("acme", `${RANGE}&model=lin/tuned`))).toEqual(["p4"]);
    expect(idsOf(await download("operator", `${RANGE}&customer=globex`))).toEqual(["p3"]);
    const path = `/v1/exports/predictions?${RANGE}&customer=globex`;
    for (const call of [calls.acme, calls.ada])
      expectProblem(await call("GET", path), 403, "role_not_allowed");
  });

  test("shows feedback to the customer, and to creators when the customer lets them read", async () => {
    const given = { thumb: "down", score: 20, labels: ["slow"] };
    expect(await calls.acme("PUT", "/v1/predictions/p4/feedback", given)).toMatchObject({ status: 200 });
    const shown = { feedback_up: 0, feedback_down: 1, feedback_score_sum: 20, feedback_labels: '["slow"]' };
    const of = async (who: string) => (await download(who)).find(({ id }) => id === "p4");
    expect(await of("acme")).toMatchObject(shown);
    expect((await of("lin"))?.feedback_down).toBeNull();
    await calls.acme("PUT", "/v1/customers/acme/retention", { creators_read: true });
    expect(await of("lin")).toMatchObject(shown);
    // Whose base model it is made from has no part in what was said.
    expect((await of("ada"))?.feedback_down).toBeNull();
  });

  test("says as JSON how large it would be, and refuses what is larger than a file", async () => {
    const { body } = await calls.ada("GET", `/v1/exports/predictions?${RANGE}`);
    expect(body).toMatchObject({ predictions: 4, predictions_max: 5_000_000 });
    expect((body as { columns: unknown[] }).columns).toContainEqual({ name: "gross", type: "DECIMAL(38,9)" });
    await expect(measureExport(api.sql, range(), 3)).rejects.toMatchObject({
      code: "parameter_invalid",
      message: expect.stringContaining("have 4 predictions, and one file takes at most 3"),
    });
    const backwards = "from=2023-12-01T00:00:00Z&to=2023-11-01T00:00:00Z";
    expectProblem(await calls.ada("GET", `/v1/exports/predictions?${backwards}`), 400, "parameter_invalid");
  });

  test("goes out in row groups, each written before the next is read, and is readable when nothing is in it", async () => {
    for (let batch = 0; batch < 5; batch++)
      await api.send(
        ...Array.from({ length: 40 }, (_, n) =>
          usageEvent({ id: `many-${batch}-${n}`, time: "2023-10-05T00:00:00Z" }),
        ),
      );
    const october = { ...range(), from: instant("2023-10-01"), to: instant("2023-11-01") };
    const written: Buffer[] = [];
    const predictions = exportedPredictions(api.sql, october, await measureExport(api.sql, october));
    const write = async (bytes: Uint8Array) => void written.push(Buffer.from(bytes));
    await writeParquet(predictions, write, 64);
    expect(written.length).toBeGreaterThan(4);
    const file = new Uint8Array(Buffer.concat(written)).buffer;
    expect(parquetMetadata(file).row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([64, 64, 64, 8]);
    expect(idsOf(await readRows(file))).toHaveLength(200);
    expect(await download("operator", "from=2022-01-01T00:00:00Z&to=2022-02-01T00:00:00Z")).toEqual([]);
  });
});

const instant = (day: string) => present(parseInstant(`${day}T00:00:00Z`), "a time");

function range() {
  const all = { model: null, customer: null, payee: null };
  return { from: instant("2023-11-01"), to: instant("2023-12-01"), ...all };
}
