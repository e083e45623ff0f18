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
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    if (!known) return;
    const enter = () => {
      const token = new URLSearchParams(window.location.hash.slice(1)).get("login_token");
      if (token === null) return;
      window.history.replaceState(null, "", window.location.pathname);
      signIn({ login_token: token }).then(
        (session) => {
          // A new page where somebody was signed in: nothing of what was shown to the one stays for the other.
          if (client.getQueryData(SESSION_KEY) !== null) window.location.assign("/dashboard");
          else client.setQueryData(SESSION_KEY, session);
        },
        (error: Error) => setProblem(error.message),
      );
    };
    enter();
    window.addEventListener("hashchange", enter);
    return () => window.removeEventListener("hashchange", enter);
  }, [known, client]);
  return problem;
}
