import type { Response } from "express";
import { z } from "zod";
import { principalOfRequest } from "../keys/principal.ts";
import { BalanceView } from "../payee-routes/balance-view.ts";
import { defineRoute, type Route } from "../route.ts";
import type { LiveFigures } from "./live-feed.ts";

const EVENTS = "text/event-stream";
/** Shorter than what proxies take for dead. Each time the key is looked at again: a revoked one hears nothing more. */
const BEAT_EVERY_MS = 15_000;
/** Then a client connects anew: no stream stands for ever behind a page that nobody looks at. */
const STREAM_MS_MAX = 15 * 60_000;

const counter = z.string();

const LiveView = z
  .object({
    as_of: z.string(),
    balances: z.array(BalanceView).nullable(),
    metering: z
      .object({
        lag: z.int(),
        consumed: counter,
        applied: counter,
        duplicate: counter,
        conflict: counter,
        dead: counter,
        parked: counter,
        waiting: counter,
      })
      .nullable(),
    settlements: z
      .array(z.object({ period: z.string(), state: z.string(), payouts: z.record(z.string(), z.int()) }))
      .nullable(),
    run: z
      .object({
        period: z.string(),
        step: z.string(),
        detail: z.string().nullable(),
        done: z.int().nullable(),
        total: z.int().nullable(),
      })
      .nullable(),
  })
  .meta({
    id: "Live",
    description:
      "A payee's balances; for operators metering, the last settlements and the step that this process carries out.",
  });

const getLive = defineRoute({
  method: "get",
  path: "/live",
  summary:
    "Live figures: as they are now, or, as text/event-stream, each time that they move (event `figures`)",
  roles: ["operator", "payee"],
  offers: [EVENTS],
  response: LiveView,
  async handle({ principal, context, accepts }, request) {
    const audience = principal.role === "operator" ? null : principal.payee;
    const figures = await context.live.figures(audience);
    if (accepts !== EVENTS) return { body: figures };
    const still = () => principalOfRequest(context, request);
    const { live } = context;
    return {
      body: null,
      stream(response) {
        const end = openStream(response, still);
        end.send(figures);
        const stop = live.listen(audience, end.send);
        const forget = live.whenClosed(end.finish);
        response.on("close", () => {
          stop();
          forget();
        });
      },
    };
  },
});

interface Stream {
  send(figures: LiveFigures): void;
  finish(): void;
}

function openStream(response: Response, stillAllowed: () => Promise<unknown>): Stream {
  response.status(200).setHeader("Content-Type", EVENTS);
  response.setHeader("Cache-Control", "no-store");
  response.setHeader("X-Accel-Buffering", "no");
  const finish = () => response.end();
  const beat = setInterval(() => {
    stillAllowed().then(() => response.write(": still here\n\n"), finish);
  }, BEAT_EVERY_MS);
  const enough = setTimeout(finish, STREAM_MS_MAX);
  response.on("close", () => {
    clearInterval(beat);
    clearTimeout(enough);
  });
  const send = (figures: LiveFigures) => {
    response.write(`event: figures\ndata: ${JSON.stringify(figures)}\n\n`);
  };
  return { send, finish };
}

export const liveRoutes: Route[] = [getLive];
