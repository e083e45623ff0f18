import { z } from "zod";
import { findAudit, listAudit } from "../../access/index.ts";
import { Time } from "../../catalog/index.ts";
import { Refusal } from "../../kernel/index.ts";
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

const ListedEntry = Entry.partial({ before: true, asked: true, after: true }).meta({
  id: "ListedAuditEntry",
  description: "Without before, asked and after where `documents=none` was asked for.",
});
const EntryNumber = z.string().regex(/^\d{1,18}$/, "the number of an entry");

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
    documents: z
      .enum(["all", "none"])
      .default("all")
      .meta({ description: "none: who did what, without what was there before, asked and answered." }),
    principal: z.string().max(100).optional(),
    about: z.string().max(200).optional().meta({ description: "What the target contains: an id, say." }),
    outcome: z.enum(["done", "refused"]).optional(),
    from: Time.optional(),
    to: Time.optional(),
  }),
  response: pageOf(ListedEntry),
  async handle({ query, context }) {
    const { limit, cursor, ...filter } = query;
    const entries = await listAudit(context.sql, { ...filter, before: cursor, limit: limit + 1 });
    return { body: page(entries, limit, ({ entry }) => entry) };
  },
});

const getAuditEntry = defineRoute({
  method: "get",
  path: "/audit-log/{entry}",
  summary: "One entry of the audit log, whole",
  roles: ["operator"],
  params: z.object({ entry: EntryNumber }),
  response: Entry,
  async handle({ params, context }) {
    const entry = await findAudit(context.sql, params.entry);
    if (entry === undefined) throw new Refusal("not_found", `there is no entry ${params.entry}`);
    return { body: entry };
  },
});

export const auditRoutes: Route[] = [getAuditLog, getAuditEntry];
