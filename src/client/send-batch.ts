const ANSWER_WITHIN_MS = 30_000;

export interface Rejection {
  index: number;
  /** A stable code, such as `quantity_invalid`. */
  code: string;
  /** What to change. */
  message: string;
}

/** `taken`: the events are in the log, those rejected never will be. `too_large`: send fewer. `again`: nothing was taken. */
export type Outcome =
  | { outcome: "taken"; rejected: Rejection[] }
  | { outcome: "too_large" }
  | { outcome: "again"; afterMs: number | undefined; trouble: Error };

/** One request, of events as JSON. Never throws: whatever goes wrong, the same events can be sent again under their ids. */
export async function sendBatch(
  endpoint: { url: string; key: string; fetch: typeof fetch },
  events: readonly string[],
): Promise<Outcome> {
  try {
    const response = await endpoint.fetch(new URL("/v1/events", endpoint.url), {
      method: "POST",
      headers: {
        authorization: `Bearer ${endpoint.key}`,
        "content-type": "application/cloudevents-batch+json",
      },
      body: `[${events.join()}]`,
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    const text = await response.text();
    if (response.status === 202) {
      return { outcome: "taken", rejected: (JSON.parse(text) as { rejected: Rejection[] }).rejected };
    }
    if (response.status === 413) return { outcome: "too_large" };
    const trouble = new Error(`usage was not taken: ${response.status} ${text.slice(0, 500)}`);
    return { outcome: "again", afterMs: retryAfter(response), trouble };
  } catch (error) {
    return { outcome: "again", afterMs: undefined, trouble: error as Error };
  }
}

function retryAfter(response: Response): number | undefined {
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) ? seconds * 1000 : undefined;
}
