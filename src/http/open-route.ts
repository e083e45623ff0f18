import type { IRouter, Request, Response } from "express";
import type { AppContext } from "./context.ts";
import { send } from "./idempotency.ts";
import { bodyReader } from "./input/read-input.ts";
import { refuseNul } from "./input/storable-text.ts";
import { signInAudited } from "./keys/audited.ts";
import { sayDeprecated } from "./reference/deprecation.ts";
import { answer, type Route, type RouteAnswer, type RouteInput } from "./route.ts";

/** An endpoint whose caller shows no key yet: what it sends says who it is. */
export interface OpenRoute<P = unknown, Q = unknown, B = unknown>
  extends Omit<Route<P, Q, B>, "roles" | "handle"> {
  handle(input: Omit<RouteInput<P, Q, B>, "principal">, request: Request): Promise<RouteAnswer>;
}

/** Keeps a route's types together, as `defineRoute` does. */
export function defineOpenRoute<P, Q, B>(route: OpenRoute<P, Q, B>): OpenRoute {
  return route as unknown as OpenRoute;
}

const BODY_BYTES_MAX = 65_536;

export function mountOpenRoute(
  app: IRouter,
  context: AppContext,
  route: OpenRoute,
  limit: (request: Request, response: Response) => Promise<void>,
): void {
  const readBody = bodyReader(["application/json"], BODY_BYTES_MAX);
  const path = `/v1${route.path.replaceAll(/\{(\w+)\}/g, ":$1")}`;
  app[route.method](path, sayDeprecated(route), async (request, response) => {
    await limit(request, response);
    refuseNul(request);
    if (route.body !== undefined) await readBody(request, response);
    const given = await answer({ context }, route, request);
    if (given.actor !== undefined) await signInAudited(context, route, { principal: given.actor, request });
    send(response, given);
  });
}
