import { z } from "zod";
import { DUTIES, disableUser, listUsers, putUser, type UserView } from "../../access/index.ts";
import { Id } from "../../catalog/index.ts";
import { isPlainText, Refusal } from "../../kernel/index.ts";
import type { AppContext } from "../context.ts";
import { requireRegistered } from "../keys/bound-to.ts";
import { revokeOperatorKeysOf } from "../keys/keys.ts";
import { isOwner, type Principal, requireOwn } from "../keys/principal.ts";
import { defineRoute, type Route } from "../route.ts";
import { PageQuery, page, pageOf } from "../schemas.ts";
import { Email } from "./email.ts";

const roles = ["operator", "payee"] as const;
const UserPath = z.object({ id: Id });

const DUTIES_OF = {
  operator: ["maker", "approver", "support"],
  payee: ["owner", "viewer"],
  customer: [],
} as const;

const UserTerms = z
  .strictObject({
    email: Email,
    name: z
      .string()
      .min(1)
      .max(200)
      .refine(isPlainText, "text without control characters")
      .nullable()
      .default(null),
    role: z.enum(["operator", "payee", "customer"]),
    payee: Id.nullable().default(null),
    customer: Id.nullable().default(null),
    duties: z
      .array(z.enum(DUTIES))
      .max(3)
      .default([])
      .meta({ description: "Operators: maker, approver, support (reads). Payees: owner or viewer (reads)." }),
    notices: z
      .boolean()
      .default(true)
      .meta({ description: "Told by mail what happens to the payee's money." }),
  })
  .refine(({ role, payee }) => (role === "payee") === (payee !== null), {
    path: ["payee"],
    error: "a user with the role payee, and no other, is bound to a payee",
  })
  .refine(({ role, customer }) => (role === "customer") === (customer !== null), {
    path: ["customer"],
    error: "a user with the role customer, and no other, is bound to a customer",
  })
  .refine(
    ({ role, duties }) =>
      duties.every((duty) => (DUTIES_OF[role] as readonly string[]).includes(duty)) &&
      new Set(duties).size === duties.length &&
      (role === "operator" ? duties.length > 0 : duties.length === DUTIES_OF[role].length / 2),
    {
      path: ["duties"],
      error: "operators: one or more of maker, approver, support; payees: owner or viewer; customers: none",
    },
  );

const View = z
  .object({
    id: z.string(),
    email: z.string(),
    name: z.string().nullable(),
    role: z.enum(["operator", "payee", "customer"]),
    payee: z.string().nullable(),
    customer: z.string().nullable(),
    duties: z.array(z.enum(DUTIES)),
    notices: z.boolean(),
    created_at: z.string(),
    created_by: z.string(),
    disabled_at: z.string().nullable(),
  })
  .meta({ id: "User" });

/** @throws Refusal not_found, also for somebody else's */
async function ownUser(context: AppContext, principal: Principal, id: string): Promise<UserView> {
  const [user] = await listUsers(context.sql, { id, limit: 1 });
  if (user === undefined || (principal.role !== "operator" && user.payee !== principal.payee))
    throw new Refusal("not_found", `there is no user ${id}`);
  return user;
}

/** A key that leaked must not make itself a person, nor let the payee's people out. @throws Refusal role_not_allowed */
function requireOwner(principal: Principal): void {
  if (isOwner(principal)) return;
  throw new Refusal(
    "role_not_allowed",
    "only an owner of the payee who signed in by mail or single sign-on changes its people, no key does: sign in, or ask the marketplace",
  );
}

async function knownUser({ params, context }: { params: { id: string }; context: AppContext }) {
  return (await listUsers(context.sql, { id: params.id, limit: 1 }))[0];
}

const put = defineRoute({
  method: "put",
  path: "/users/{id}",
  summary: "Register a person, or change its address, name and duties; owners may for their payee",
  roles,
  duty: "both",
  before: knownUser,
  params: UserPath,
  body: UserTerms,
  response: View,
  async handle({ params, body, principal, context }) {
    const [known] = await listUsers(context.sql, { id: params.id, limit: 1 });
    if (principal.role === "payee") {
      if (body.role !== "payee")
        throw new Refusal(
          "role_not_allowed",
          "role: a payee registers people of its own, with the role payee",
        );
      requireOwn(principal, "payee", body.payee ?? "");
      if (known !== undefined) await ownUser(context, principal, params.id);
      requireOwner(principal);
    }
    await requireRegistered(context, body);
    const user = await putUser(context.sql, params.id, body, principal.id);
    if (!mayMakeOperatorKeys(user)) await revokeOperatorKeysOf(context.sql, user.id);
    return { body: user };
  },
});

/** An operator key has every duty: it is nobody's who has not. */
function mayMakeOperatorKeys({ duties }: UserView): boolean {
  return duties.includes("maker") && duties.includes("approver");
}

const list = defineRoute({
  method: "get",
  path: "/users",
  summary: "The people of a payee, or everybody for an operator",
  roles,
  query: PageQuery.extend({ payee: Id.optional() }),
  response: pageOf(View),
  async handle({ query, principal, context }) {
    if (query.payee !== undefined) requireOwn(principal, "payee", query.payee);
    const payee = query.payee ?? principal.payee;
    const users = await listUsers(context.sql, {
      limit: query.limit + 1,
      ...(payee === null ? {} : { payee }),
      ...(query.cursor === undefined ? {} : { after: query.cursor }),
    });
    return { body: page(users, query.limit, (user) => user.id) };
  },
});

const get = defineRoute({
  method: "get",
  path: "/users/{id}",
  summary: "One person",
  roles,
  params: UserPath,
  response: View,
  handle: async ({ params, principal, context }) => ({ body: await ownUser(context, principal, params.id) }),
});

const remove = defineRoute({
  method: "delete",
  path: "/users/{id}",
  summary:
    "Let a person in no more: its sessions are over, operator keys that it made are revoked; what it did stays under its id",
  roles,
  duty: "both",
  before: knownUser,
  params: UserPath,
  status: 204,
  response: z.null(),
  async handle({ params, principal, context }) {
    await ownUser(context, principal, params.id);
    if (principal.role === "payee") requireOwner(principal);
    await disableUser(context.sql, params.id);
    await revokeOperatorKeysOf(context.sql, params.id);
    return { body: null };
  },
});

export const userRoutes: Route[] = [put, list, get, remove];
