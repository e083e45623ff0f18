import { z } from "zod";
import { Id } from "../../catalog/index.ts";
import { type Nanos, parseNanos, Refusal } from "../../kernel/index.ts";
import type { AppContext } from "../context.ts";
import { type Principal, requireOwn } from "../keys/principal.ts";

export const CustomerPath = z.object({ id: Id });

/** A customer that exists and that the caller may see. @throws Refusal not_found */
export async function requireCustomer(context: AppContext, principal: Principal, id: string): Promise<void> {
  requireOwn(principal, "customer", id);
  const found = await context.sql`SELECT FROM customer WHERE id = ${id}`;
  if (found.length === 0) throw new Refusal("not_found", `there is no customer ${id}`);
}

/** "12.345678901", not negative, below 10^15 major units. */
export const AmountText = z
  .string()
  .regex(
    /^\d{1,15}(\.\d{1,9})?$/,
    'a decimal string such as "12.50", not negative, with at most nine decimals',
  )
  .transform((text): Nanos => parseNanos(text) ?? 0n)
  .meta({ example: "12.50" });
