import { z } from "zod";
import { Id } from "../../catalog/index.ts";
import { isPlainText, Refusal } from "../../kernel/index.ts";
import { createKey, ROLES, revokeKey } from "../principal.ts";
import { defineRoute, type Route } from "../route.ts";

const KeyRequest = z
  .strictObject({
    role: z.enum(ROLES),
    payee: Id.optional(),
    customer: Id.optional(),
    sources: z
      .array(z.string().min(1).max(512).refine(isPlainText, "text without control characters"))
      .min(1)
      .max(100)
      .optional(),
  })
  .refine((key) => (key.role === "payee") === (key.payee !== undefined), {
    path: ["payee"],
    error: "a key with the role payee, and no other, is bound to a payee",
  })
  .refine((key) => (key.role === "customer") === (key.customer !== undefined), {
    path: ["customer"],
    error: "a key with the role customer, and no other, is bound to a customer",
  })
  .refine((key) => key.sources === undefined || key.role === "ingest", {
    path: ["sources"],
    error: "only ingest keys are bound to sources",
  });

const postKey = defineRoute({
  method: "post",
  path: "/keys",
  summary: "Make an API key; its secret is shown once",
  roles: ["operator"],
  body: KeyRequest,
  status: 201,
  response: z.object({
    id: z.string(),
    secret: z
      .string()
      .nullable()
      .meta({ description: "Null when an Idempotency-Key repeats the request: secrets are not kept." }),
    role: z.enum(ROLES),
  }),
  async handle({ body, context }) {
    const catalog = await context.catalog.current();
    if (body.payee !== undefined && !catalog.payees.has(body.payee)) {
      throw new Refusal("payee_unknown", `there is no payee ${body.payee}`, [
        { path: "payee", code: "payee_unknown", message: "register it first" },
      ]);
    }
    const { id, secret } = await createKey(context.sql, body);
    return {
      body: { id, secret, role: body.role },
      keep: { id, secret: null, role: body.role },
    };
  },
});

const deleteKey = defineRoute({
  method: "delete",
  path: "/keys/{id}",
  summary: "Revoke an API key: at once where this is answered, within a second everywhere",
  roles: ["operator"],
  params: z.object({ id: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/, "a key's id") }),
  status: 204,
  response: z.null(),
  async handle({ params, context }) {
    const revoked = await revokeKey(context.sql, params.id);
    if (!revoked) throw new Refusal("not_found", `there is no key ${params.id}`);
    return { body: null };
  },
});

export const keyRoutes: Route[] = [postKey, deleteKey];
