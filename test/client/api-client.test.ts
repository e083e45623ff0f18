import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ApiClient, type ApiClientOptions, ApiError, type Schema } from "../../src/client/index.ts";
import { OPERATOR_KEY, startTestApi, type TestApi } from "../support/api.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  await api.load(SMALL_CATALOG);
  await api.send(usageEvent({ id: "p1", metrics: { input_token_count: 100_000 } }));
});
afterAll(() => api.stop());

const client = (options: Partial<ApiClientOptions> = {}) =>
  new ApiClient({ url: api.url, key: OPERATOR_KEY, ...options });

/** The true service behind a line that loses the first answers, after what they tell of was done. */
function losing(times: number) {
  const asked: Request[] = [];
  const lossy: typeof fetch = async (input, init) => {
    asked.push(new Request(input, init));
    const response = await fetch(input, init);
    if (asked.length > times) return response;
    await response.arrayBuffer();
    throw new TypeError("the line went dead");
  };
  return { asked, fetch: lossy };
}

/** Answers this first, and then as the true service does. */
function saying(first: () => Response): { asked: () => number; fetch: typeof fetch } {
  let asked = 0;
  return {
    asked: () => asked,
    fetch: async (input, init) => (asked++ === 0 ? first() : fetch(input, init)),
  };
}

async function refused(call: Promise<unknown>): Promise<ApiError> {
  const error = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
}

const CREDIT = { amount: "5.00", currency: "USD", kind: "promotional", reason: "welcome" } as const;
const credits = async () => {
  const { data } = await client().call("get /v1/customers/{id}/credits", { path: { id: "acme" } });
  return data.length;
};

describe("calls", () => {
  test("are answered in the document's types", async () => {
    const changed = await client().call("put /v1/payees/{id}", {
      path: { id: "zoe@example" },
      body: { name: "Zoe", country: "US", default_currency: "USD" },
    });
    expect(changed.id).toBe("zoe@example");
    const { total, data } = await client().call("get /v1/payees/{id}/earnings", {
      path: { id: "ada" },
      query: { group_by: "model,day", currency: "USD" },
    });
    expect(total).toEqual({ currency: "USD", amount: "80.000000000" });
    expect(data.map(({ model, day }) => [model, day])).toEqual([["ada/llm", "2023-11-16"]]);
    expect(await client().call("delete /v1/payees/{id}/freeze", { path: { id: "ada" } })).toBeDefined();
  });

  test("send usage as what it is: one event, or several", async () => {
    const event = (id: string) => usageEvent({ id }) as Schema<"UsageEvent">;
    const one = client();
    expect(await one.call("post /v1/events", { body: event("c1") })).toEqual({ accepted: 1, rejected: [] });
    const several = await one.call("post /v1/events", { body: ["c2", "c3"].map(event) });
    expect(several).toEqual({ accepted: 2, rejected: [] });
  });

  test("only what there is can be written down", () => {
    const never = async () => {
      const one = client();
      // @ts-expect-error: there is no such operation
      await one.call("get /v1/nothing");
      // @ts-expect-error: whose balances?
      await one.call("get /v1/payees/{id}/balances");
      // @ts-expect-error: a body is wanted
      await one.call("put /v1/payees/{id}", { path: { id: "ada" } });
      // @ts-expect-error: for browsers that sign in; it cannot be repeated
      await one.call("post /v1/sessions", { body: { api_key: "" } });
      // @ts-expect-error: no list
      one.list("get /v1/metering/status");
    };
    expect(never).toBeTypeOf("function");
  });

  test("give files in the type that is asked for", async () => {
    const one = client();
    await one.call("post /v1/settlements/{period}/close", { path: { period: "2023-11" } });
    const path = { id: "ada", period: "2023-11" };
    const paper = await one.download("get /v1/payees/{id}/statements/{period}", "application/pdf", { path });
    expect(paper).toMatchObject({ type: "application/pdf", name: expect.stringMatching(/\.pdf$/) });
    expect(new TextDecoder().decode(paper.bytes.slice(0, 5))).toBe("%PDF-");
  });
});

describe("lists", () => {
  test("go through all pages, and ask for no more than is taken", async () => {
    const line = losing(0);
    const payees = client({ fetch: line.fetch }).list("get /v1/payees", { query: { limit: 1 } });
    const { value } = await payees.next();
    expect([value?.id, line.asked.length]).toEqual(["ada", 1]);
    const rest: string[] = [];
    for await (const { id } of payees) rest.push(id);
    expect(rest).toEqual(["lin", "zoe@example"]);
    expect(line.asked.length).toBe(3);
  });
});

describe("an answer that says no", () => {
  test("is an error with code, field and message, and is not asked for again", async () => {
    const line = losing(0);
    const path = { owner: "ada", name: "llm" };
    const body = { currency: "USD", effective_from: "2023-12-01T00:00:00Z" };
    const components = [{ meter: "input_tokens", amount: "-1", per: "1" }];
    const call = client({ fetch: line.fetch }).call("post /v1/models/{owner}/{name}/prices", {
      path,
      body: { ...body, components },
    });
    const error = await refused(call);
    expect(error).toMatchObject({ status: 400, code: "body_invalid", field: "components[0].amount" });
    expect(error.message).toMatch(/^components\[0\]\.amount: /);
    expect(error.requestId).toMatch(/.+/);
    expect(line.asked.length).toBe(1);
    const missing = client().call("get /v1/payees/{id}", { path: { id: "nobody" } });
    expect(await refused(missing)).toMatchObject({ status: 404, code: "not_found", field: undefined });
  });

  test("of somebody in between says that it is not Tributary's", async () => {
    const line = saying(() => new Response("<h1>Bad Gateway</h1>", { status: 502 }));
    const call = client({ fetch: line.fetch, attemptsMax: 1 }).call("get /v1/metering/status");
    expect(await refused(call)).toMatchObject({ status: 502, code: "no_answer" });
  });
});

describe("a lost answer", () => {
  test("is asked for again; a POST under the key of its first attempt, so that it is done once", async () => {
    const [before, line] = [await credits(), losing(2)];
    const credit = await client({ fetch: line.fetch }).call("post /v1/customers/{id}/credits", {
      path: { id: "acme" },
      body: CREDIT,
    });
    expect(credit).toMatchObject({ amount: { amount: "5.000000000" } });
    expect(await credits()).toBe(before + 1);
    const keys = new Set(line.asked.map(({ headers }) => headers.get("idempotency-key")));
    expect([line.asked.length, keys.size]).toEqual([3, 1]);
  });

  test("under a key of the caller's own is the same one tomorrow", async () => {
    const before = await credits();
    const post = (options = {}) =>
      client(options).call("post /v1/customers/{id}/credits", {
        path: { id: "acme" },
        body: CREDIT,
        idempotencyKey: "transfer-77",
      });
    const error = await refused(post({ fetch: losing(1).fetch, attemptsMax: 1 }));
    expect(error).toMatchObject({ status: 0, code: "unreachable" });
    expect(await post()).toEqual(await post());
    expect(await credits()).toBe(before + 1);
  });

  test("is not waited for longer than the service may ask for", async () => {
    const busy = (seconds: string) =>
      saying(() => new Response("{}", { status: 429, headers: { "retry-after": seconds } }));
    const [soon, late] = [busy("0"), busy("3600")];
    await client({ fetch: soon.fetch }).call("get /v1/metering/status");
    expect(soon.asked()).toBe(2);
    const error = await refused(client({ fetch: late.fetch }).call("get /v1/metering/status"));
    expect(error).toMatchObject({ status: 429, retryAfterMs: 3_600_000 });
    expect(late.asked()).toBe(1);
  });

  test("is given up when the caller gives up", async () => {
    const gone = AbortSignal.abort(new Error("nobody waits any more"));
    const call = client().call("get /v1/metering/status", { signal: gone });
    await expect(call).rejects.toThrow("nobody waits any more");
  });
});
