import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { sendLoginLink, signIn, useSignOut } from "../data/session.ts";
import { Notice } from "../parts/states.tsx";

/** Signing in: with an API key, or with a link by e-mail. */
export function Login({ wrongRole }: { wrongRole?: string }) {
  const client = useQueryClient();
  const signOut = useSignOut();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [sent, setSent] = useState(false);

  const attempt = (work: (form: FormData) => Promise<void>) => async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setProblem(null);
    await work(form).catch((error: Error) => setProblem(error.message));
    setBusy(false);
  };
  const withKey = attempt(async (form) => {
    const session = await signIn(String(form.get("key")).trim());
    client.setQueryData(["session"], session);
  });
  const withLink = attempt(async (form) => {
    await sendLoginLink(String(form.get("email")).trim());
    setSent(true);
  });

  return (
    <main className="login">
      <div className="login-card">
        <h1>
          <img src={MARK} alt="" width="32" height="32" /> Tributary
        </h1>
        <p className="dim">What your models earn, what is paid out when, and why.</p>
        {wrongRole !== undefined && (
          <Notice tone="warn">
            A key with the role {wrongRole} has no pages here.{" "}
            <button type="button" className="link" onClick={() => void signOut()}>
              Use another one
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
        <div role="status" aria-live="polite">
          {problem !== null && <Notice tone="bad">{problem}</Notice>}
          {sent && (
            <Notice tone="good">If that address is known here, a link is on its way: it works once.</Notice>
          )}
        </div>
      </div>
    </main>
  );
}

const MARK = new URL("../mark.svg", import.meta.url).href;
