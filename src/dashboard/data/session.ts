import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type Answer, call, Problem } from "./api.ts";
import { queryClient, useAtOnce } from "./use-api.ts";

/** Who is signed in. The session itself is a cookie that no script can read. */
export type Session = Answer<"get /v1/sessions/current">;

export const SESSION_KEY = ["session"];

const SESSION = {
  queryKey: SESSION_KEY,
  // The page's document has the browser ask for it before any script is there: the very same request.
  queryFn: async (): Promise<Session | null> => {
    try {
      return await call("get /v1/sessions/current", {});
    } catch (error) {
      if (error instanceof Problem && error.status === 401) return null;
      throw error;
    }
  },
  staleTime: Number.POSITIVE_INFINITY,
};

/** Asks it before there is a page to show. */
export async function askWhoIsIn(): Promise<void> {
  await queryClient.query(SESSION).catch(() => {});
}

/** Who is signed in; null when nobody is; undefined while it is not known yet. */
export function useSession() {
  useAtOnce(SESSION);
  return useQuery(SESSION);
}

/** What whoever is signed in may do as an operator: the service decides, the page says it before somebody tries. */
export function useDuties(): { makes: boolean; approves: boolean } {
  const { data: session } = useSession();
  const has = (duty: "maker" | "approver") =>
    session?.scope === "write" && (session.duties === null || session.duties.includes(duty));
  return { makes: has("maker"), approves: has("approver") };
}

/** Signs in, with an API key or with what came in a link by mail. @throws Problem */
export function signIn(
  proof: { api_key: string } | { login_token: string } | { user: string },
): Promise<Session> {
  return call("post /v1/sessions", { body: proof });
}

/** Ends the session, and forgets everything that was shown in it. */
export function useSignOut(): () => Promise<void> {
  const client = useQueryClient();
  return async () => {
    await call("delete /v1/sessions/current", {}).catch(() => {});
    // First what the page looks at, so that it goes; only then is the rest taken from under nobody.
    client.setQueryData(SESSION_KEY, null);
    client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== "session" });
  };
}
