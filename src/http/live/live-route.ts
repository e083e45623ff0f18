import { z } from "zod";
import { principalOfRequest } from "../keys/principal.ts";
import { BalanceView } from "../payee-routes/balance-view.ts";
import { defineRoute, type Route } from "../route.ts";
import { EVENTS, openStream } from "./event-stream.ts";

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
  // Keys and sessions are looked at again with each beat.
  asOwner: true,
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
        const stops: (() => void)[] = [];
        const end = openStream(response, still, () => {
          for (const stop of stops) stop();
        });
        end.send(figures);
        stops.push(live.listen(audience, end.send), live.whenClosed(end.finish));
      },
    };
  },
});

export const liveRoutes: Route[] = [getLive];
