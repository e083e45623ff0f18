import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { call } from "../data/api.ts";
import { SESSION_KEY, signIn, useSignOut } from "../data/session.ts";
import { useApi } from "../data/use-api.ts";
import { Notice } from "../parts/states.tsx";

/** Signing in: with an API key, with a link that comes by mail, or at the identity provider. */
export function Login({ wrongRole, linkProblem }: { wrongRole?: string; linkProblem: string | null }) {
  const client = useQueryClient();
  const signOut = useSignOut();
  const options = useApi("get /v1/login-options", {});
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [sent, setSent] = useState(false);

  const enter = async (proof: Parameters<typeof signIn>[0]) =>
    client.setQueryData(SESSION_KEY, await signIn(proof));
  const attempt = async (work: () => Promise<unknown>) => {
    setBusy(true);
    setProblem(null);
    await work().catch((error: Error) => setProblem(error.message));
    setBusy(false);
  };

  const withKey = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const key = String(new FormData(event.currentTarget).get("key")).trim();
    void attempt(() => enter({ api_key: key }));
  };
  const withLink = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const email = String(new FormData(event.currentTarget).get("email")).trim();
    void attempt(async () => {
      await call("post /v1/login-links", { body: { email } });
      setSent(true);
    });
  };

  // What was tried last is told.
  const told = problem ?? (busy || sent ? null : linkProblem);
  return (
    <main className="login">
      <div className="login-card">
        <h1>
          <img src={MARK} alt="" width="32" height="32" /> Tributary
        </h1>
        <p className="dim">What your models earn, what is paid out when, and why.</p>
        {wrongRole !== undefined && (
          <Notice tone="warn">
            The role {wrongRole} has no pages here.{" "}
            <button type="button" className="link" onClick={() => void signOut()}>
              Sign in as somebody else
            </button>
          </Notice>
        )}
        <form onSubmit={withKey} className="stack">
          <label htmlFor="key">API key</label>
          <input
            id="key"
            name="key"
            type="password"
            autoComplete="current-password"
            required
            minLength={16}
          />
          <button type="submit" className="primary" disabled={busy}>
            Sign in
          </button>
        </form>
        <p className="or">or</p>
        <form onSubmit={withLink} className="stack">
          <label htmlFor="email">E-mail address</label>
          <input id="email" name="email" type="email" autoComplete="email" required />
          <button type="submit" disabled={busy}>
            Send me a sign-in link
          </button>
        </form>
        {options.data?.oidc === true && (
          <a className="button" href="/v1/oidc/login">
            Sign in with your organisation
          </a>
        )}
        <div role="status">
          {told !== null && <Notice tone="bad">{told}</Notice>}
          {sent && (
            <Notice tone="good">If that address is known here, a link is on its way. It works once.</Notice>
          )}
        </div>
      </div>
    </main>
  );
}

const MARK = new URL("../mark.svg", import.meta.url).href;
