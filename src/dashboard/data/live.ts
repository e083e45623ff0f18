import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { type Answer, send } from "./api.ts";
import type { Session } from "./session.ts";
import { keyOf } from "./use-api.ts";

export type LiveFigures = Answer<"get /v1/live">;

const RETRY_MS = 5_000;
/** Figures that hang on what moved are asked for again, but no more often than this. */
const REFRESH_MS = 10_000;

/**
 * Listens to the service while the page is looked at, and puts what it says where the page reads it. A page in the
 * background hears nothing and asks for nothing. `connected` is null for customers, who are told nothing live.
 */
export function useLiveFeed(session: Session): { figures: LiveFigures | null; connected: boolean | null } {
  const client = useQueryClient();
  const [figures, setFigures] = useState<LiveFigures | null>(null);
  const [connected, setConnected] = useState(false);
  const listens = session.role !== "customer";
  useEffect(() => {
    if (!listens) return undefined;
    let refreshAt = 0;
    const hear = (told: LiveFigures) => {
      setFigures(told);
      if (told.balances !== null && session.payee !== null)
        client.setQueryData(
          keyOf("get /v1/payees/{id}/balances", { path: { id: session.payee } }),
          told.balances,
        );
      if (Date.now() < refreshAt) return;
      if (refreshAt > 0) void client.invalidateQueries({ predicate: ({ queryKey }) => moves(queryKey[0]) });
      refreshAt = Date.now() + REFRESH_MS;
    };
    let end = () => {};
    const look = () => {
      end();
      if (!document.hidden) end = keepListening(hear, setConnected);
    };
    look();
    document.addEventListener("visibilitychange", look);
    return () => {
      document.removeEventListener("visibilitychange", look);
      end();
    };
  }, [client, listens, session.payee]);
  return { figures, connected: listens ? connected : null };
}

const moves = (operation: unknown) =>
  /earnings|payouts|statements|settlements|dead-letters/.test(String(operation));

/** Opens the stream, and opens it again whenever it ends, until told to stop. */
function keepListening(hear: (told: LiveFigures) => void, connected: (now: boolean) => void): () => void {
  const abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const again = () => {
    connected(false);
    if (!abort.signal.aborted) timer = setTimeout(open, RETRY_MS);
  };
  const open = () => {
    send("get /v1/live", {}, "text/event-stream", abort.signal)
      .then(async (response) => {
        connected(true);
        await readEvents(response, (text) => hear(JSON.parse(text) as LiveFigures));
      })
      .then(again, again);
  };
  open();
  return () => {
    abort.abort();
    clearTimeout(timer);
  };
}

async function readEvents(response: Response, event: (text: string) => void): Promise<void> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: "" };
    if (done) return;
    const parts = `${rest}${value}`.split("\n\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const data = /^data: (.*)$/m.exec(part)?.[1];
      if (data !== undefined) event(data);
    }
  }
}
