import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Call, startTestApi, type TestApi } from "../support/api.ts";
import { expectProblem } from "../support/problem.ts";
import { SMALL_CATALOG, tokenPrice, usageEvent } from "../support/usage.ts";

let api: TestApi;
let callers: Record<string, Call>;
beforeAll(async () => {
  api = await startTestApi();
  await api.load({
    ...SMALL_CATALOG,
    payees: [...SMALL_CATALOG.payees, { id: "eve", name: "Eve", country: "US", default_currency: "USD" }],
    models: [
      { id: "lin/base", payee: "lin" },
      { id: "ada/llm", payee: "ada", base_model: "lin/base" },
    ],
    policies: [
      {
        model: "ada/llm",
        effective_from: "2023-01-01T00:00:00Z",
        steps: [
          { take: "platform", percent: "20" },
          { take: "royalty", percent: "10" },
          { take: "shares", shares: [{ payee: "ada", weight: 1 }] },
        ],
      },
    ],
    prices: [tokenPrice("lin/base"), tokenPrice("ada/llm")],
  });
  callers = {
    operator: api.operator,
    acme: await api.keyFor({ role: "customer", customer: "acme" }),
    globex: await api.keyFor({ role: "customer", customer: "globex" }),
    ada: await api.keyFor({ role: "payee", payee: "ada" }),
    lin: await api.keyFor({ role: "payee", payee: "lin" }),
    eve: await api.keyFor({ role: "payee", payee: "eve" }),
  };
});
afterAll(() => api.stop());

interface Listed {
  id: string;
  model: string;
  version: string | null;
  customer: string | null;
  status: string;
  occurred_at: string;
  gross: { amount: string };
  earned: { amount: string } | null;
}

async function everyPage(call: Call, path: string, limit: number): Promise<Listed[]> {
  const all: Listed[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const { status, body } = await call(
      "GET",
      `${path}&limit=${limit}${cursor === "" ? "" : `&cursor=${cursor}`}`,
    );
    expect(status).toBe(200);
    const { data, next_cursor } = body as { data: Listed[]; next_cursor: string | null };
    expect(data.length).toBeLessThanOrEqual(limit);
    all.push(...data);
    cursor = next_cursor;
  }
  return all;
}

const event = fc.record({
  customer: fc.constantFrom("acme", "globex"),
  model: fc.constantFrom("ada/llm", "lin/base"),
  version: fc.constantFrom("v1", "v2"),
  status: fc.constantFrom("succeeded", "failed"),
  hour: fc.nat(71),
  tokens: fc.nat(100_000),
});
const filters = fc.record(
  {
    model: fc.constantFrom("ada/llm", "lin/base"),
    version: fc.constantFrom("v1", "v2", "v3"),
    status: fc.constantFrom("succeeded", "failed", "canceled"),
  },
  { requiredKeys: [] },
);

test("each sees in the list what it may see one by one, newest first, whatever is asked for and however it is paged", async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(event, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 4 }),
      filters,
      fc.nat(71),
      fc.integer({ min: 1, max: 7 }),
      async (batches, asked, since, limit) => {
        const begin = Date.UTC(2023, ++run, 1);
        const at = (hour: number) => new Date(begin + hour * 3_600_000).toISOString();
        const events = batches.flatMap((batch, b) =>
          batch.map((one, n) => ({ ...one, id: `${run}-${b}-${n}`, time: at(one.hour) })),
        );
        for (const b of batches.keys())
          await api.send(
            ...events
              .filter(({ id }) => id.startsWith(`${run}-${b}-`))
              .map(({ tokens, hour, ...fields }) =>
                usageEvent({ ...fields, metrics: { input_token_count: tokens, predict_time: 1 } }),
              ),
          );
        const query = new URLSearchParams({ from: at(since), to: at(72), ...asked });
        for (const [name, call] of Object.entries(callers)) {
          const listed = await everyPage(call, `/v1/predictions?${query}`, limit);
          const expected: string[] = [];
          for (const one of events.toReversed()) {
            const matches = Object.entries(asked).every(
              ([key, value]) => one[key as keyof typeof asked] === value,
            );
            if (!matches || one.hour < since) continue;
            const { status, body } = await call("GET", `/v1/predictions/${one.id}`);
            const whole = body as Listed & { earnings: { payee: string; earned: { amount: string } }[] };
            if (status === 404) continue;
            expected.push(one.id);
            const shown = listed.find(({ id }) => id === one.id);
            for (const key of ["model", "version", "customer", "status", "occurred_at", "gross"] as const)
              expect(shown?.[key]).toEqual(whole[key]);
            const own = whole.earnings.reduce(
              (sum, { earned }) => sum + BigInt(earned.amount.replace(".", "")),
              0n,
            );
            const isPayee = ["ada", "lin", "eve"].includes(name);
            expect(shown?.earned === null ? null : BigInt(shown?.earned?.amount.replace(".", "") ?? "")).toBe(
              isPayee ? own : null,
            );
          }
          // Within one batch the log's partitions decide what comes first.
          expect(listed.map(({ id }) => id).sort()).toEqual(expected.sort());
          const batchOf = ({ id }: Listed) => Number(id.split("-")[1]);
          expect(listed.map(batchOf)).toEqual(listed.map(batchOf).sort((a, b) => b - a));
          if (name === "eve") expect(listed).toEqual([]);
        }
      },
    ),
    { numRuns: 8 },
  );
});

test("operators ask for one customer's, or what one payee earns of; others for their own alone, and for no more than 92 days", async () => {
  await api.send(
    usageEvent({ id: "one", time: "2024-02-01T00:00:00Z" }),
    usageEvent({ id: "two", time: "2024-02-02T00:00:00Z", customer: "globex", model: "lin/base" }),
  );
  const february = "from=2024-02-01T00:00:00Z&to=2024-03-01T00:00:00Z";
  const listed = async (call: Call | undefined, more: string) =>
    ((await (call ?? api.operator)("GET", `/v1/predictions?${february}${more}`)).body as { data: Listed[] })
      .data;
  expect((await listed(api.operator, "&customer=globex")).map(({ id }) => id)).toEqual(["two"]);
  expect(await listed(api.operator, "&payee=ada")).toMatchObject([
    { id: "one", customer: "acme", earned: { amount: "0.700000000" } },
  ]);
  expect(await listed(callers.lin, "")).toMatchObject([
    { id: "two", customer: null, earned: { amount: "0.800000000" } },
    { id: "one", customer: null, earned: { amount: "0.100000000" } },
  ]);
  expect(await listed(callers.acme, "&customer=acme")).toMatchObject([{ id: "one", earned: null }]);
  for (const [name, more] of [
    ["acme", "&customer=globex"],
    ["acme", "&payee=ada"],
    ["ada", "&customer=acme"],
    ["ada", "&payee=lin"],
  ] as const)
    expectProblem(
      (await callers[name]?.("GET", `/v1/predictions?${february}${more}`)) as never,
      403,
      "role_not_allowed",
    );
  expectProblem(
    await api.operator("GET", "/v1/predictions?from=2023-01-01T00:00:00Z&to=2024-01-01T00:00:00Z"),
    400,
    "parameter_invalid",
  );
  const { body } = await api.operator("GET", "/v1/predictions");
  expect(body).toMatchObject({ data: [], next_cursor: null });
});
