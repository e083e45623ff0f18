import { Refusal } from "../kernel/index.ts";
import type { Sql } from "../postgres/index.ts";
import type { ProvenUser } from "./sessions.ts";
import { hashToken, newToken } from "./token.ts";
import { usersWithEmail } from "./users.ts";

const ON_THE_WAY_MINUTES = 10;

/** What must come back as it was sent out. */
export interface OidcSecrets {
  state: string;
  nonce: string;
  codeVerifier: string;
}

/** An identity provider. @throws IdentityProviderFailed */
export interface IdentityProvider {
  begin(redirectUri: string): Promise<OidcSecrets & { url: string }>;
  /** The address that the provider vouches for; undefined when it vouches for none. */
  finish(callback: URL, secrets: OidcSecrets): Promise<string | undefined>;
}

/** It could not be asked, or what came back was not what it should be. */
export class IdentityProviderFailed extends Error {
  override name = "IdentityProviderFailed";
}

/** Sends a browser to the provider. `browser` goes into a cookie, so that nobody else comes back in its place. */
export async function beginOidc(
  sql: Sql,
  provider: IdentityProvider,
  redirectUri: string,
): Promise<{ url: string; browser: string }> {
  const { url, state, nonce, codeVerifier } = await provider.begin(redirectUri);
  const browser = newToken();
  await sql`
    WITH gone AS (DELETE FROM oidc_attempt WHERE created_at < now() - make_interval(mins => ${ON_THE_WAY_MINUTES}))
    INSERT INTO oidc_attempt (state_hash, browser_hash, nonce, code_verifier)
    VALUES (${hashToken(state)}, ${hashToken(browser)}, ${nonce}, ${codeVerifier})`;
  return { url, browser };
}

/** The user with the address that the provider vouches for. @throws Refusal login_token_invalid, no_such_user */
export async function finishOidc(
  sql: Sql,
  provider: IdentityProvider,
  callback: URL,
  browser: string | undefined,
): Promise<ProvenUser> {
  const state = callback.searchParams.get("state") ?? "";
  const [attempt] = await sql<{ nonce: string; code_verifier: string }[]>`
    DELETE FROM oidc_attempt WHERE state_hash = ${hashToken(state)} AND browser_hash = ${hashToken(browser ?? "")}
      AND created_at > now() - make_interval(mins => ${ON_THE_WAY_MINUTES})
    RETURNING nonce, code_verifier`;
  if (attempt === undefined) {
    throw new Refusal(
      "login_token_invalid",
      "this sign-in was not begun in this browser, or too long ago: begin again",
    );
  }
  const { nonce, code_verifier: codeVerifier } = attempt;
  const vouched = await provider.finish(callback, { state, nonce, codeVerifier });
  const email = vouched?.toLowerCase() ?? "";
  const [user] = await usersWithEmail(sql, email);
  if (user === undefined) {
    throw new Refusal(
      "no_such_user",
      "the identity provider vouches for no address that is registered here: ask whoever runs this marketplace",
    );
  }
  return { user: user.id, provenEmail: email };
}
