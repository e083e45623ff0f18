import type Stripe from "stripe";
import { invalidRequest } from "../errors.ts";
import { type Form, group, integer, only, text } from "../form.ts";

export const LIST_PARAMETERS = ["limit", "starting_after", "ending_before"] as const;

interface Listed {
  id: string;
  created?: number;
}

/** A page as Stripe gives it: newest first, between the cursors, within the bounds of `created`. @throws StripeProblem */
export function listOf<T extends Listed>(
  url: string,
  oldestFirst: Iterable<T>,
  form: Form,
): Stripe.ApiList<T> {
  const limit = integer(form, "limit", 1) ?? 10;
  if (limit > 100)
    throw invalidRequest(
      "parameter_invalid_integer",
      "This value must be less than or equal to 100.",
      "limit",
    );
  const isWithin = createdBounds(form);
  const all = [...oldestFirst].filter(({ created = 0 }) => isWithin(created)).reverse();
  const after = text(form, "starting_after");
  const before = text(form, "ending_before");
  const from = after === undefined ? 0 : indexOf(all, after, "starting_after") + 1;
  const until = before === undefined ? all.length : indexOf(all, before, "ending_before");
  const range = all.slice(from, until);
  const data = before === undefined ? range.slice(0, limit) : range.slice(-limit);
  return { object: "list", url, has_more: range.length > data.length, data };
}

/** `created=1` is one second; `created[gte]=1` and its like are bounds. */
function createdBounds(form: Form): (created: number) => boolean {
  if (typeof form.created === "string") {
    const exact = integer(form, "created");
    return (created) => exact === undefined || created === exact;
  }
  const bounds = group(form, "created");
  only(bounds, "gt", "gte", "lt", "lte");
  const gt = integer(bounds, "gt") ?? -1;
  const gte = integer(bounds, "gte") ?? 0;
  const lt = integer(bounds, "lt") ?? Infinity;
  const lte = integer(bounds, "lte") ?? Infinity;
  return (created) => created > gt && created >= gte && created < lt && created <= lte;
}

function indexOf(objects: readonly Listed[], id: string, param: string): number {
  const index = objects.findIndex((object) => object.id === id);
  if (index < 0) throw invalidRequest("resource_missing", `No such object: '${id}'`, param);
  return index;
}
