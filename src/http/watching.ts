import express, { type Express } from "express";

/** What a process says about itself to those who run it. Neither ever fails: trouble is part of the answer. */
export interface Watching {
  health(): Promise<Health>;
  /** In Prometheus' text format. */
  metrics(): Promise<{ contentType: string; text: string }>;
}

export interface Health {
  status: "ok" | "failing";
  /** Why it is failing, for a person; empty when it is ok. */
  reasons: string[];
  /** What works, but less safely than it could: what to set right. */
  warnings: string[];
}

/** `/healthz` and `/metrics`, without a key: whoever can reach the port may look. */
export function mountWatching(app: Express, watching: Watching): void {
  app.get("/healthz", async (_request, response) => {
    const health = await watching.health();
    response.status(health.status === "ok" ? 200 : 503).json(health);
  });
  app.get("/metrics", async (_request, response) => {
    const { contentType, text } = await watching.metrics();
    response.setHeader("Content-Type", contentType);
    response.send(text);
  });
}

/** All that a process without the API serves. It listens on nothing by itself. */
export function createWatchingApp(watching: Watching): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  mountWatching(app, watching);
  return app;
}
