import { z } from "zod";
import { Id, Time } from "../../catalog/index.ts";
import { isPlainText, Refusal } from "../../kernel/index.ts";
import type { AppContext } from "../context.ts";
import { requireRegistered } from "../keys/bound-to.ts";
import { createKey, type KeyView, listKeys, revokeKey, rotateKey } from "../keys/keys.ts";
import { isOwner, type Principal, ROLES, requireOwn, SCOPES } from "../keys/principal.ts";
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
  .refine((key) => key.expires_at === undefined || Date.parse(key.expires_at) > Date.now(), {
    path: ["expires_at"],
    error: "a time to come, or leave it out",
  })
  .refine((key) => key.sources === undefined || key.role === "ingest", {
    path: ["sources"],
    error: "only ingest keys are bound to sources",
  });

const postKey = defineRoute({
  method: "post",
  path: "/keys",
  duty: "both",
  summary: "Make an API key; its secret is shown once. Owners of a payee may for it, signed in as persons",
  roles: ["operator", "payee"],
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
  async handle({ body, principal, context }) {
    if (principal.role !== "operator") requireOwnersOwn(principal, body);
    await requireRegistered(context, body);
    const { id, secret } = await createKey(context.sql, body, principal.id);
    return {
      body: { id, secret, role: body.role },
      keep: { id, secret: null, role: body.role },
    };
  },
});

/** A key makes no keys: one that leaked is dealt with by revoking it. @throws Refusal role_not_allowed, not_found */
function requireOwnersOwn(principal: Principal, key: z.infer<typeof KeyRequest>): void {
  if (key.role !== "payee")
    throw new Refusal("role_not_allowed", "role: a payee makes keys of its own, with the role payee");
  if (!isOwner(principal))
    throw new Refusal(
      "role_not_allowed",
      "a key makes no other keys: sign in by mail as an owner of the payee, or ask the marketplace",
    );
  requireOwn(principal, "payee", key.payee ?? "");
}

/** A key that a caller may rotate or revoke: any for an operator, its payee's for an owner, and each key itself. */
async function ownKey(context: AppContext, principal: Principal, id: string): Promise<KeyView> {
  const [key] = await listKeys(context.sql, { id, limit: 1 });
  const own =
    principal.role === "operator" ||
    principal.id === id ||
    (isOwner(principal) && key?.role === "payee" && key.payee === principal.payee);
  if (key === undefined || !own) throw new Refusal("not_found", `there is no key ${id}`);
  return key;
}

const KeyId = z.object({ id: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/, "a key's id") });

const View = z
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
    made_by: z.string().meta({
      description:
        "Whose it is: `user:` and a user's id, the id of the key that made it, `operator` for the configured key; `start` of the installation's first key.",
    }),
    expires_at: z.string().nullable(),
    last_used_at: z.string().nullable().meta({ description: "Not more than a minute behind." }),
    revoked_at: z.string().nullable(),
    replaced_by: z.string().nullable(),
  })
  .meta({ id: "Key" });

const getKeys = defineRoute({
  method: "get",
  path: "/keys",
  summary: "All API keys for an operator, a payee's own for it; without their secrets",
  roles: ["operator", "payee"],
  // No reader may see keys; a payee's are picked here.
  asOwner: true,
  query: PageQuery,
  response: pageOf(View),
  async handle({ query, principal, context }) {
    const keys = await listKeys(context.sql, {
      limit: query.limit + 1,
      ...(query.cursor === undefined ? {} : { after: query.cursor }),
      ...(principal.role === "operator" ? {} : { payee: principal.payee ?? "" }),
    });
    return { body: page(keys, query.limit, (key) => key.id) };
  },
});

const RotatedView = z.object({
  id: z.string(),
  secret: z.string().nullable(),
  role: z.enum(ROLES),
  old_expires_at: z.string(),
});

async function knownKey({ params, context }: { params: { id: string }; context: AppContext }) {
  return (await listKeys(context.sql, { id: params.id, limit: 1 }))[0];
}

const rotate = defineRoute({
  method: "post",
  path: "/keys/{id}/rotate",
  before: knownKey,
  duty: "both",
  summary:
    "Make a key that takes this one's place; both work until the overlap is over. Every key may rotate itself, owners those of their payee",
  roles: ROLES,
  params: KeyId,
  body: z.strictObject({ overlap_seconds: z.int().min(0).max(2_592_000).default(86_400) }),
  bodyOptional: true,
  status: 201,
  response: RotatedView,
  async handle({ params, body, principal, context }) {
    const key = await ownKey(context, principal, params.id);
    const rotated = await rotateKey(context.sql, key.id, key.role, {
      overlapSeconds: body.overlap_seconds,
      by: principal.id,
    });
    return { body: rotated, keep: { ...rotated, secret: null } };
  },
});

const deleteKey = defineRoute({
  method: "delete",
  path: "/keys/{id}",
  before: knownKey,
  duty: "both",
  summary:
    "Revoke an API key: at once where this is answered, within a second everywhere. Owners may for their payee's",
  roles: ["operator", "payee"],
  params: KeyId,
  status: 204,
  response: z.null(),
  async handle({ params, principal, context }) {
    const { id } = await ownKey(context, principal, params.id);
    await revokeKey(context.sql, id);
    return { body: null };
  },
});

export const keyRoutes: Route[] = [postKey, getKeys, rotate, deleteKey];
