import { z } from "zod";
import { Id } from "../../catalog/index.ts";
import { Refusal } from "../../kernel/index.ts";
import type { AppContext } from "../context.ts";
import { type Principal, requireOwn } from "../keys/principal.ts";

export const CustomerPath = z.object({ id: Id });

/** A customer that exists and that the caller may see. @throws Refusal not_found */
export async function requireCustomer(context: AppContext, principal: Principal, id: string): Promise<void> {
  requireOwn(principal, "customer", id);
  const found = await context.sql`SELECT FROM customer WHERE id = ${id}`;
  if (found.length === 0) throw new Refusal("not_found", `there is no customer ${id}`);
}
