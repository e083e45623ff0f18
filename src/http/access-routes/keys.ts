import { z } from "zod";
import { Id, Time } from "../../catalog/index.ts";
import { isPlainText, Refusal } from "../../kernel/index.ts";
import { createKey, listKeys, revokeKey, rotateKey } from "../keys/keys.ts";
import { ROLES, SCOPES } from "../keys/principal.ts";
import { defineRoute, type Route } from "../route.ts";
import { PageQuery, page, pageOf } from "../schemas.ts";

const KeyRequest = z
  .strictObject({
    role: z.enum(ROLES),
    payee: Id.optional(),
    customer: Id.optional(),
    name: z.string().min(1).max(200).refine(isPlainText, "text without control characters").optional(),
    scope: z.enum(SCOPES).default("write").meta({ description: "read: GET only." }),
    expires_at: Time.optional(),
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
  duty: "both",
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

const KeyId = z.object({ id: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/, "a key's id") });

const KeyView = z
  .object({
    id: z.string(),
    shown: z.string().meta({ description: "The first characters of the secret." }),
    name: z.string().nullable(),
    role: z.enum(ROLES),
    payee: z.string().nullable(),
    customer: z.string().nullable(),
    sources: z.array(z.string()).nullable(),
    scope: z.enum(SCOPES),
    created_at: z.string(),
    expires_at: z.string().nullable(),
    last_used_at: z.string().nullable().meta({ description: "Not more than a minute behind." }),
    revoked_at: z.string().nullable(),
    replaced_by: z.string().nullable(),
  })
  .meta({ id: "Key" });

const getKeys = defineRoute({
  method: "get",
  path: "/keys",
  summary: "All API keys, without their secrets",
  roles: ["operator"],
  query: PageQuery,
  response: pageOf(KeyView),
  async handle({ query, context }) {
    const after = query.cursor === undefined ? {} : { after: query.cursor };
    const keys = await listKeys(context.sql, { limit: query.limit + 1, ...after });
    return { body: page(keys, query.limit, (key) => key.id) };
  },
});

const RotatedView = z.object({
  id: z.string(),
  secret: z.string().nullable(),
  role: z.enum(ROLES),
  old_expires_at: z.string(),
});

const rotate = defineRoute({
  method: "post",
  path: "/keys/{id}/rotate",
  duty: "both",
  summary:
    "Make a key that takes this one's place; both work until the overlap is over. Every key may rotate itself",
  roles: ROLES,
  params: KeyId,
  body: z.strictObject({ overlap_seconds: z.int().min(0).max(2_592_000).default(86_400) }),
  bodyOptional: true,
  status: 201,
  response: RotatedView,
  async handle({ params, body, principal, context }) {
    const own = principal.role === "operator" || principal.id === params.id;
    const [key] = own ? await listKeys(context.sql, { id: params.id, limit: 1 }) : [];
    if (key === undefined) throw new Refusal("not_found", `there is no key ${params.id}`);
    const rotated = await rotateKey(context.sql, key.id, key.role, body.overlap_seconds);
    return { body: rotated, keep: { ...rotated, secret: null } };
  },
});

const deleteKey = defineRoute({
  method: "delete",
  path: "/keys/{id}",
  duty: "both",
  summary: "Revoke an API key: at once where this is answered, within a second everywhere",
  roles: ["operator"],
  params: KeyId,
  status: 204,
  response: z.null(),
  async handle({ params, context }) {
    const revoked = await revokeKey(context.sql, params.id);
    if (!revoked) throw new Refusal("not_found", `there is no key ${params.id}`);
    return { body: null };
  },
});

export const keyRoutes: Route[] = [postKey, getKeys, rotate, deleteKey];
