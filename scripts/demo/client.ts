import { setTimeout as pause } from "node:timers/promises";

export interface Api {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body?: unknown, contentType?: string): Promise<T>;
}

/** The public API as any program would call it: HTTP and a key. */
export function apiClient(url: string, key: string): Api {
  async function call<T>(
    method: string,
    path: string,
    body?: unknown,
    contentType = "application/json",
  ): Promise<T> {
    const response = await fetch(`${url}/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { "content-type": contentType }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer}`);
    return JSON.parse(answer) as T;
  }
  return {
    get: (path) => call("GET", path),
    post: (path, body, contentType) => call("POST", path, body, contentType),
  };
}

/** Waits until everything that was acknowledged is metered. */
export async function untilMetered(api: Api): Promise<void> {
  for (;;) {
    const { lag } = await api.get<{ lag: number }>("/metering/status");
    if (lag === 0) return;
    await pause(50);
  }
}
