import { Refusal } from "../../kernel/index.ts";
import type { AppContext } from "../context.ts";

/** Whom a key or a person is bound to, must be there: a name with a slip in it would see nothing for good. @throws Refusal */
export async function requireRegistered(
  { catalog }: AppContext,
  bound: { payee?: string | null | undefined; customer?: string | null | undefined },
): Promise<void> {
  const { payees, customers } = await catalog.current();
  const message = "register it first";
  if (bound.payee && !payees.has(bound.payee))
    throw new Refusal("payee_unknown", `there is no payee ${bound.payee}`, [
      { path: "payee", code: "payee_unknown", message },
    ]);
  if (bound.customer && !customers.has(bound.customer))
    throw new Refusal("customer_unknown", `there is no customer ${bound.customer}`, [
      { path: "customer", code: "customer_unknown", message },
    ]);
}
