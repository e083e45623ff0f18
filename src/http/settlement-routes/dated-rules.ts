import { z } from "zod";
import type { Sql } from "../../postgres/index.ts";
import { defineRoute, type Route } from "../route.ts";

interface DatedRules<R> {
  path: string;
  /** What a rule says, and from which period on. */
  rule: z.ZodType<R>;
  /** What setting one is about, and what holds without any. */
  summaries: { set: string; list: string };
  /** @throws Refusal */
  set(sql: Sql, rule: R, by: string): Promise<unknown>;
  /** The latest first. */
  list(sql: Sql): Promise<R[]>;
}

/** The two routes of a rule that the marketplace sets from a period on: one sets it, the other lists all that were set. */
export function datedRules<R>({ path, rule, summaries, set, list }: DatedRules<R>): Route[] {
  const roles = ["operator"] as const;
  const put = defineRoute({
    method: "put",
    path,
    before: ({ context }) => list(context.sql),
    summary: summaries.set,
    roles,
    body: rule,
    response: rule,
    async handle({ body, principal, context }) {
      await set(context.sql, body, principal.id);
      return { body };
    },
  });
  const get = defineRoute({
    method: "get",
    path,
    summary: summaries.list,
    roles,
    response: z.object({ data: z.array(rule) }),
    handle: async ({ context }) => ({ body: { data: await list(context.sql) } }),
  });
  return [put, get];
}
