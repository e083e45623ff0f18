import type { Request, Response } from "express";
import { rateLimit } from "express-rate-limit";
import { Refusal } from "../../kernel/index.ts";
import type { Principal } from "./principal.ts";

export type RateLimit = (principal: Principal, request: Request, response: Response) => Promise<void>;

const WINDOW_MS = 60_000;

/**
 * At most so many requests a minute for each key, counted in this process; every answer says what is left (RateLimit and
 * RateLimit-Policy). @throws Refusal too_many_requests, from what it returns
 */
export function limitRequests(perMinute: number): RateLimit {
  const keyOf = new WeakMap<Request, string>();
  const limiter = rateLimit({
    windowMs: WINDOW_MS,
    limit: perMinute,
    standardHeaders: "draft-8",
    legacyHeaders: false,
    keyGenerator: (request) => keyOf.get(request as Request) ?? "",
    handler: (_request, _response, next) => {
      const detail = `more than ${perMinute} requests a minute with this key: wait as long as Retry-After says`;
      next(new Refusal("too_many_requests", detail));
    },
  });
  return (principal, request, response) => {
    keyOf.set(request, principal.id);
    return new Promise<void>((resolve, reject) => {
      limiter(request, response, (error?: unknown) => (error === undefined ? resolve() : reject(error)));
    });
  };
}

const OPEN_PER_MINUTE = 120;

/** For requests without a key: at most so many a minute from one address. @throws Refusal too_many_requests, from what it returns */
export function limitByAddress(): (request: Request, response: Response) => Promise<void> {
  const limiter = rateLimit({
    windowMs: WINDOW_MS,
    limit: OPEN_PER_MINUTE,
    standardHeaders: "draft-8",
    legacyHeaders: false,
    // Anybody may send X-Forwarded-For; it counts as far as PROXY_HOPS says.
    validate: { xForwardedForHeader: false },
    handler: (_request, _response, next) => {
      next(
        new Refusal(
          "too_many_requests",
          "too many attempts from this address: wait as long as Retry-After says",
        ),
      );
    },
  });
  return (request, response) =>
    new Promise<void>((resolve, reject) => {
      limiter(request, response, (error?: unknown) => (error === undefined ? resolve() : reject(error)));
    });
}
