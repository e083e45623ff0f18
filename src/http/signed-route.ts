import express, { type IRouter } from "express";
import type { z } from "zod";
import type { AppContext } from "./context.ts";

/** An endpoint whose caller shows no key: the signature of the body says who it is. */
export interface SignedRoute {
  /** Under /v1. */
  path: string;
  summary: string;
  /** The header that holds the signature. */
  header: string;
  bodyBytesMax: number;
  body: z.ZodType;
  response: z.ZodType;
  /** @throws Refusal signature_invalid */
  handle(body: Buffer, signature: string | undefined, context: AppContext): Promise<unknown>;
}

export function mountSignedRoute(app: IRouter, context: AppContext, route: SignedRoute): void {
  // Whatever it calls itself: a signature holds for bytes, not for what they mean.
  const read = express.raw({ type: () => true, limit: route.bodyBytesMax, inflate: false });
  app.post(`/v1${route.path}`, read, async (request, response) => {
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const answer = await route.handle(body, request.get(route.header), context);
    response.json(route.response.parse(answer));
  });
}
