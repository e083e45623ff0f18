import { expect } from "vitest";
import type { Call, TestApi } from "../../support/api.ts";
import type { Mailbox } from "./mailbox.ts";

export interface SignedIn {
  call: Call;
  cookie: string;
  who: Record<string, unknown>;
}

export async function register(api: TestApi, id: string, user: object): Promise<void> {
  const terms = { email: `${id}@example.com`, ...user };
  expect(await api.operator("PUT", `/v1/users/${id}`, terms)).toMatchObject({ status: 200 });
}

/** A browser with the cookie that was answered, on the service's own pages. */
export function browserWith(api: TestApi, cookie: string): Call {
  const anonymous = api.as(null);
  return (method, path, body, headers) =>
    anonymous(method, path, body, { Cookie: cookie, Origin: api.url, ...headers });
}

/** Signs in with a link that comes by mail. */
export async function signInByMail(api: TestApi, mailbox: Mailbox, email: string): Promise<SignedIn> {
  const anonymous = api.as(null);
  const token = await mailbox.nextToken(email, () => anonymous("POST", "/v1/login-links", { email }));
  const answer = await anonymous("POST", "/v1/sessions", { login_token: token });
  expect(answer).toMatchObject({ status: 201 });
  const cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? "";
  return { call: browserWith(api, cookie), cookie, who: answer.body as Record<string, unknown> };
}
