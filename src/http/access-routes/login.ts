import { z } from "zod";
import { beginOidc, finishOidc, type IdentityProvider, requestLoginLink } from "../../access/index.ts";
import { Refusal } from "../../kernel/index.ts";
import type { AppContext } from "../context.ts";
import { oidcCookie, oidcToken } from "../keys/session-cookie.ts";
import { defineOpenRoute, type OpenRoute } from "../open-route.ts";
import { Email } from "./email.ts";
import { signIn } from "./sessions.ts";

const postLoginLink = defineOpenRoute({
  method: "post",
  path: "/login-links",
  summary:
    "Have a link to sign in with sent by mail: good once, for 15 minutes. The answer is the same for every address",
  body: z.strictObject({ email: Email }),
  status: 202,
  response: z.object({ ok: z.literal(true) }),
  async handle({ body, context }) {
    await requestLoginLink(context.sql, body.email, context.publicUrl);
    return { body: { ok: true } };
  },
});

const getOptions = defineOpenRoute({
  method: "get",
  path: "/login-options",
  summary: "How people may sign in here",
  response: z.object({ api_key: z.literal(true), email: z.literal(true), oidc: z.boolean() }),
  handle: async ({ context }) => ({ body: { api_key: true, email: true, oidc: context.identity !== null } }),
});

const CALLBACK = "/v1/oidc/callback";

function identityOf(context: AppContext): IdentityProvider {
  if (context.identity !== null) return context.identity;
  throw new Refusal("not_found", "there is no identity provider here: OIDC_ISSUER is not set");
}

const getLogin = defineOpenRoute({
  method: "get",
  path: "/oidc/login",
  summary: "Sends a browser to the identity provider; it comes back to /v1/oidc/callback",
  status: 303,
  response: z.null(),
  async handle({ context }) {
    const { publicUrl } = context;
    const begun = await beginOidc(context.sql, identityOf(context), publicUrl + CALLBACK);
    return {
      body: null,
      headers: {
        Location: begun.url,
        "Set-Cookie": oidcCookie(publicUrl, begun.browser),
        "Cache-Control": "no-store",
      },
    };
  },
});

const getCallback = defineOpenRoute({
  method: "get",
  path: "/oidc/callback",
  summary: "Where the identity provider sends a browser back to: signs it in and opens the dashboard",
  query: z.looseObject({ state: z.string().max(2000).optional() }),
  status: 303,
  response: z.null(),
  async handle({ context }, request) {
    // The very address that was registered, with what the provider added.
    const callback = new URL(CALLBACK + new URL(request.originalUrl, "http://any").search, context.publicUrl);
    const owner = await finishOidc(context.sql, identityOf(context), callback, oidcToken(request));
    const { cookie, principal } = await signIn(context, request, owner);
    return {
      body: null,
      actor: principal,
      headers: {
        Location: `${context.publicUrl}/dashboard`,
        "Set-Cookie": cookie,
        "Cache-Control": "no-store",
      },
    };
  },
});

export const loginRoutes: OpenRoute[] = [postLoginLink, getOptions, getLogin, getCallback];
