import { isUtf8 } from "node:buffer";
import express, { type Request, type Response } from "express";
import type { z } from "zod";
import { Refusal } from "../../kernel/index.ts";
import { invalid } from "../problem.ts";
import { refuseUnstorable } from "./storable-text.ts";

/** What a route says of its body. */
interface BodyOptions {
  bodyOptional?: boolean;
  bodyAsBytes?: boolean;
  anyText?: true;
}

/** @throws Refusal naming what is wrong */
export function parse(
  schema: z.ZodType | undefined,
  value: unknown,
  code: "parameter_invalid" | "body_invalid",
  what: string,
): unknown {
  if (schema === undefined) return undefined;
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw invalid(code, parsed.error, what);
  return parsed.data;
}

export function bodyReader(types: readonly string[], limit: number) {
  // The type is looked at below, once.
  const read = express.raw({ type: () => true, limit });
  return async (request: Request, response: Response): Promise<void> => {
    const hasBody =
      request.headers["transfer-encoding"] !== undefined ||
      Number(request.headers["content-length"] ?? "0") > 0;
    if (hasBody && !request.is([...types])) {
      throw new Refusal("media_type_not_supported", `send Content-Type: ${types.join(" or ")}`);
    }
    await new Promise<void>((resolve, reject) => {
      read(request, response, (error) => (error ? reject(error) : resolve()));
    });
  };
}

/** The body as the route's schema says. @throws Refusal body_not_json, body_invalid */
export function bodyOf(route: BodyOptions, schema: z.ZodType, request: Request): unknown {
  if (!Buffer.isBuffer(request.body) || request.body.length === 0) {
    if (route.bodyOptional) return parse(schema, {}, "body_invalid", "body");
    throw new Refusal("body_not_json", "a JSON body is missing");
  }
  if (route.bodyAsBytes) return request.body;
  const json = parseJson(request.body);
  const parsed = parse(schema, json, "body_invalid", "body");
  if (route.anyText !== true) refuseUnstorable(json, request.body);
  return parsed;
}

/** @throws Refusal body_not_json */
export function parseJson(bytes: Buffer): unknown {
  const refused = () => new Refusal("body_not_json", "the body is not JSON in UTF-8");
  if (!isUtf8(bytes)) throw refused();
  try {
    return JSON.parse(bytes.toString().replace(/^\uFEFF/, ""));
  } catch {
    throw refused();
  }
}
