import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { SESSION_KEY, signIn } from "../data/session.ts";

/**
 * Signs in with the token of a link that came by mail: it stands after the #, and is taken out of the address at once. A tab that has the
 * page open already loads nothing when the link is put into it, and whoever is signed in may have asked for a link of another address.
 * @param known whether it is known who is signed in: an answer that is still to come would say that nobody is
 * @returns why the link does not work, or null
 */
export function useLinkByMail(known: boolean): string | null {
  const client = useQueryClient();
  // Read before a page is drawn: an operator's first one goes on to another address at once.
  const [token, setToken] = useState(tokenOfAddress);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    const look = () => setToken(tokenOfAddress());
    window.addEventListener("hashchange", look);
    return () => window.removeEventListener("hashchange", look);
  }, []);
  useEffect(() => {
    if (!known || token === null) return;
    if (tokenOfAddress() !== null) window.history.replaceState(null, "", window.location.pathname);
    signIn({ login_token: token }).then(
      (session) => {
        // A new page where somebody was signed in: nothing of what was shown to the one stays for the other.
        if (client.getQueryData(SESSION_KEY) !== null) window.location.assign("/dashboard");
        else client.setQueryData(SESSION_KEY, session);
      },
      (error: Error) => setProblem(error.message),
    );
  }, [known, token, client]);
  return problem;
}

function tokenOfAddress(): string | null {
  return new URLSearchParams(window.location.hash.slice(1)).get("login_token");
}
