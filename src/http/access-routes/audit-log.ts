import { z } from "zod";
import { listAudit } from "../../access/index.ts";
import { Time } from "../../catalog/index.ts";
import { defineRoute, type Route } from "../route.ts";
import { PageQuery, page, pageOf } from "../schemas.ts";

const Entry = z
  .object({
    entry: z.string().meta({ description: "From 1 on, without gaps." }),
    at: z.string(),
    principal: z.string(),
    role: z.string(),
    session: z.string().nullable(),
    request_id: z.string().meta({ description: "The X-Request-Id of the answer." }),
    route: z.string().meta({ example: "PUT /payees/{id}" }),
    target: z.string(),
    status: z.int(),
    code: z.string().nullable().meta({ description: "Why it was refused; null when it was done." }),
    before: z.unknown(),
    asked: z.unknown(),
    after: z.unknown(),
    hash: z.string().meta({ description: "SHA-256 of this entry and of the hash before it." }),
  })
  .meta({ id: "AuditEntry" });

const getAuditLog = defineRoute({
  method: "get",
  path: "/audit-log",
  summary: "Who changed what, the newest first; who signed in, and who was refused a change",
  roles: ["operator"],
  query: PageQuery.extend({
    cursor: z
      .string()
      .regex(/^\d{1,18}$/, "the next_cursor of an earlier answer")
      .optional(),
    principal: z.string().max(100).optional(),
    about: z.string().max(200).optional().meta({ description: "What the target contains: an id, say." }),
    outcome: z.enum(["done", "refused"]).optional(),
    from: Time.optional(),
    to: Time.optional(),
  }),
  response: pageOf(Entry),
  async handle({ query, context }) {
    const { limit, cursor, ...filter } = query;
    const entries = await listAudit(context.sql, { ...filter, before: cursor, limit: limit + 1 });
    return { body: page(entries, limit, ({ entry }) => entry) };
  },
});

export const auditRoutes: Route[] = [getAuditLog];
