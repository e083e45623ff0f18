import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  discovery,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from "openid-client";
import { type IdentityProvider, IdentityProviderFailed } from "../../access/index.ts";

const TIMEOUT_SECONDS = 15;

export interface OidcSettings {
  issuer: string;
  clientId: string;
  /** Undefined for a public client: then the code is bound by PKCE alone. */
  clientSecret: string | undefined;
}

/** Authorization code with PKCE, state and nonce. The provider is looked up when somebody first signs in. */
export function openIdProvider({ issuer, clientId, clientSecret }: OidcSettings): IdentityProvider {
  const server = new URL(issuer);
  const execute = server.protocol === "http:" ? [allowInsecureRequests] : [];
  let found: Promise<Configuration> | undefined;
  const configuration = () => {
    found ??= discovery(server, clientId, clientSecret, undefined, {
      execute,
      timeout: TIMEOUT_SECONDS,
    }).catch((error: unknown) => {
      found = undefined;
      throw error;
    });
    return found;
  };
  return {
    begin: (redirectUri) =>
      asked(async () => {
        const [state, nonce, codeVerifier] = [randomState(), randomNonce(), randomPKCECodeVerifier()];
        const url = buildAuthorizationUrl(await configuration(), {
          redirect_uri: redirectUri,
          scope: "openid email",
          code_challenge: await calculatePKCECodeChallenge(codeVerifier),
          code_challenge_method: "S256",
          state,
          nonce,
        });
        return { url: url.href, state, nonce, codeVerifier };
      }),
    finish: (callback, { state, nonce, codeVerifier }) =>
      asked(async () => {
        const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: codeVerifier };
        const tokens = await authorizationCodeGrant(await configuration(), callback, checks);
        const claims = tokens.claims();
        const vouched = claims?.email_verified === true && typeof claims.email === "string";
        return vouched ? String(claims.email) : undefined;
      }),
  };
}

async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw new IdentityProviderFailed((error as Error).message, { cause: error });
  }
}
