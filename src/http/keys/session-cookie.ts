import type { Request } from "express";
import { Refusal } from "../../kernel/index.ts";

const NAME = "tributary_session";

/** The token in the request's cookie, if there is one that could be ours. */
export function sessionToken(request: Request): string | undefined {
  return /(?:^|;\s*)tributary_session=([\w-]{43})(?:;|$)/.exec(request.headers.cookie ?? "")?.[1];
}

/**
 * The Set-Cookie of a session: no script reads it, no other site sends it, and it travels only with TLS where there is some.
 * Without a token, the cookie is taken away.
 */
export function sessionCookie(publicUrl: string, token: string | null, maxAgeSeconds: number): string {
  const secure = publicUrl.startsWith("https:") ? "; Secure" : "";
  return `${NAME}=${token ?? ""}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${secure}`;
}

const OIDC_SECONDS = 600;

/** Of a browser on its way to the identity provider: it comes back from another site, so Strict would keep it from us. */
export function oidcCookie(publicUrl: string, token: string): string {
  const secure = publicUrl.startsWith("https:") ? "; Secure" : "";
  return `tributary_oidc=${token}; Path=/v1/oidc; HttpOnly; SameSite=Lax; Max-Age=${OIDC_SECONDS}${secure}`;
}

export function oidcToken(request: Request): string | undefined {
  return /(?:^|;\s*)tributary_oidc=([\w-]{43})(?:;|$)/.exec(request.headers.cookie ?? "")?.[1];
}

/**
 * A browser sends its cookies whoever made it ask; only what one of our own pages asked for may change anything.
 * @throws Refusal origin_not_allowed
 */
export function requireSameOrigin(request: Request, publicUrl: string): void {
  if (isSameOrigin(request, publicUrl)) return;
  throw new Refusal(
    "origin_not_allowed",
    "changes with a session's cookie are taken from the service's own pages only (Origin or Sec-Fetch-Site): programs send an API key",
  );
}

function isSameOrigin(request: Request, publicUrl: string): boolean {
  const site = request.get("Sec-Fetch-Site");
  if (site !== undefined) return site === "same-origin";
  const origin = request.get("Origin");
  if (origin === undefined || !URL.canParse(origin)) return false;
  const { host, origin: its } = new URL(origin);
  return its === new URL(publicUrl).origin || host === request.get("Host");
}
