import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type Answer, call, Problem } from "./api.ts";
import { forgetKey, keepKey } from "./kept-key.ts";

export type Session = Answer<"get /v1/sessions/current">;

/** Who is signed in; null when nobody is; undefined while it is not known yet. */
export function useSession() {
  return useQuery({
    queryKey: ["session"],
    queryFn: async (): Promise<Session | null> => {
      try {
        return await call("get /v1/sessions/current", {});
      } catch (error) {
        if (!(error instanceof Problem) || error.status !== 401) throw error;
        forgetKey();
        return null;
      }
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Signs in with an API key: for a cookie where the service has sessions, otherwise the tab keeps it. @throws Problem */
export async function signIn(key: string): Promise<Session> {
  forgetKey();
  const response = await post("/v1/sessions", { api_key: key });
  if (response.status === 404 || response.status === 405) keepKey(key);
  else if (!response.ok) throw await problemOf(response);
  return call("get /v1/sessions/current", {});
}

/** Has a link sent that signs in once. @throws Problem */
export async function sendLoginLink(email: string): Promise<void> {
  const response = await post("/v1/login-links", { email });
  if (response.status === 404)
    throw new Problem(404, "not_found", "This service sends no sign-in links: use an API key.");
  if (!response.ok) throw await problemOf(response);
}

/** Forgets everything that was shown, and the session. */
export function useSignOut(): () => Promise<void> {
  const client = useQueryClient();
  return async () => {
    await fetch("/v1/sessions/current", { method: "DELETE", credentials: "same-origin" }).catch(() => {});
    forgetKey();
    client.clear();
    client.setQueryData(["session"], null);
  };
}

function post(path: string, body: object): Promise<Response> {
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  const request = {
    method: "POST",
    headers,
    body: JSON.stringify(body),
    credentials: "same-origin",
  } as const;
  return fetch(path, request).catch(() => {
    throw new Problem(0, "unreachable", "Tributary cannot be reached: check the connection, then try again.");
  });
}

async function problemOf(response: Response): Promise<Problem> {
  const { code = "no_answer", detail = `Tributary answered ${response.status}` } = await response
    .json()
    .catch(() => ({}));
  return new Problem(response.status, code, detail);
}
