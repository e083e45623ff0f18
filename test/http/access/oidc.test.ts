import { OAuth2Server } from "oauth2-mock-server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApi, type TestApi } from "../../support/api.ts";
import { SMALL_CATALOG } from "../../support/usage.ts";
import { browserWith, register } from "./people.ts";

const CLIENT = "tributary";
let provider: OAuth2Server;
let api: TestApi;
/** What the provider says of whoever signs in there. */
let claims: Record<string, unknown>;

beforeAll(async () => {
  provider = new OAuth2Server();
  await provider.issuer.keys.generate("RS256");
  await provider.start(0, "127.0.0.1");
  const { port } = provider.address();
  provider.issuer.url = `http://127.0.0.1:${port}`;
  provider.service.on("beforeTokenSigning", (token: { payload: object }) => {
    Object.assign(token.payload, claims);
  });
  api = await startTestApi({
    OIDC_ISSUER: `http://127.0.0.1:${port}`,
    OIDC_CLIENT_ID: CLIENT,
    OIDC_CLIENT_SECRET: "a secret",
  });
  await api.load(SMALL_CATALOG);
  await register(api, "ada", { role: "payee", payee: "ada", duties: ["owner"] });
});
afterAll(async () => {
  await api.stop();
  await provider.stop();
});

const visit = (url: string, cookie = "") => fetch(url, { redirect: "manual", headers: { cookie } });
const locationOf = (response: Response) => response.headers.get("location") ?? "";
const cookieOf = (response: Response) => (response.headers.get("set-cookie") ?? "").split(";")[0] ?? "";

/** To the provider and back, as far as the address that it sends the browser to. */
async function goThere(): Promise<{ back: string; cookie: string; asked: URL }> {
  const begun = await visit(`${api.url}/v1/oidc/login`);
  expect(begun.status).toBe(303);
  expect(begun.headers.get("set-cookie")).toMatch(/HttpOnly; SameSite=Lax/);
  const asked = new URL(locationOf(begun));
  return { back: locationOf(await visit(asked.href)), cookie: cookieOf(begun), asked };
}

async function problemOf(response: Response): Promise<unknown> {
  return { status: response.status, code: ((await response.json()) as { code: string }).code };
}

describe("signing in at an identity provider", () => {
  test("lets in the person with the address that it vouches for", async () => {
    claims = { email: "Ada@example.com", email_verified: true };
    const { back, cookie, asked } = await goThere();
    expect(Object.fromEntries(asked.searchParams)).toMatchObject({
      response_type: "code",
      code_challenge_method: "S256",
      code_challenge: expect.any(String),
      state: expect.any(String),
      nonce: expect.any(String),
      redirect_uri: `${api.url}/v1/oidc/callback`,
    });
    const answer = await visit(back, cookie);
    expect({ status: answer.status, to: locationOf(answer) }).toEqual({
      status: 303,
      to: `${api.url}/dashboard`,
    });
    const { body } = await browserWith(api, cookieOf(answer))("GET", "/v1/sessions/current");
    expect(body).toMatchObject({ role: "payee", payee: "ada", duties: ["owner"] });
    expect(await problemOf(await visit(back, cookie))).toEqual({ status: 401, code: "login_token_invalid" });
  });

  test.each([
    ["an address that it does not vouch for", { email: "ada@example.com", email_verified: false }],
    ["an address that it says nothing about", { email: "ada@example.com" }],
    ["an address that nobody has", { email: "eve@example.com", email_verified: true }],
    ["no address", {}],
  ])("lets nobody in with %s", async (_, said) => {
    claims = said;
    const { back, cookie } = await goThere();
    expect(await problemOf(await visit(back, cookie))).toEqual({ status: 403, code: "no_such_user" });
  });

  test("lets in only the browser that began", async () => {
    claims = { email: "ada@example.com", email_verified: true };
    const [mine, theirs] = [await goThere(), await goThere()];
    expect(await problemOf(await visit(mine.back, theirs.cookie))).toMatchObject({
      code: "login_token_invalid",
    });
    expect(await problemOf(await visit(mine.back))).toMatchObject({ code: "login_token_invalid" });
    expect((await visit(mine.back, mine.cookie)).status).toBe(303);
  });

  test.each([
    ["another nonce", { nonce: "of another sign-in" }],
    ["another audience", { aud: "another client" }],
    ["another issuer", { iss: "https://evil.example" }],
  ])("lets nobody in with a token for %s", async (_, wrong) => {
    claims = { email: "ada@example.com", email_verified: true, ...wrong };
    const { back, cookie } = await goThere();
    expect(await problemOf(await visit(back, cookie))).toEqual({
      status: 502,
      code: "identity_provider_failed",
    });
  });

  test("lets nobody in with a code that the provider did not give", async () => {
    claims = { email: "ada@example.com", email_verified: true };
    const { back, cookie } = await goThere();
    const forged = back.replace(/code=[^&]+/, "code=forged");
    provider.service.once("beforeResponse", (response: { statusCode: number; body: unknown }) => {
      response.statusCode = 400;
      response.body = { error: "invalid_grant" };
    });
    expect(await problemOf(await visit(forged, cookie))).toMatchObject({ code: "identity_provider_failed" });
  });
});
