import { z } from "zod";
import { Id } from "../../catalog/index.ts";
import { Refusal } from "../../kernel/index.ts";
import type { AppContext } from "../context.ts";
import { type Principal, requireOwn } from "../keys/principal.ts";

export const CustomerPath = z.object({ id: Id });
export const ModelPath = z.object({ owner: Id, name: Id });

/** @throws Refusal not_found, also for somebody else's */
export async function ownCustomer(
  context: AppContext,
  principal: Principal,
  { id }: z.infer<typeof CustomerPath>,
): Promise<string> {
  requireOwn(principal, "customer", id);
  const known = await context.sql`SELECT FROM customer WHERE id = ${id}`;
  if (known.length === 0) throw new Refusal("not_found", `there is no customer ${id}`);
  return id;
}

/** @throws Refusal not_found, also for somebody else's */
export async function ownModel(
  context: AppContext,
  principal: Principal,
  { owner, name }: z.infer<typeof ModelPath>,
): Promise<string> {
  const id = `${owner}/${name}`;
  const payee = (await context.catalog.current()).models.get(id)?.lineage.at(-1)?.payee;
  if (payee === undefined || (principal.role === "payee" && principal.payee !== payee))
    throw new Refusal("not_found", `there is no model ${id}`);
  return id;
}
