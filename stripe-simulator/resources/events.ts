import type Stripe from "stripe";
import { invalidRequest, missing } from "../errors.ts";
import { group, only, text } from "../form.ts";
import type { Answer, Call } from "../routes.ts";
import type { State } from "../state.ts";
import { LIST_PARAMETERS, listOf } from "./lists.ts";

/** As Stripe lists them: the platform's own, or with Stripe-Account those of a connected account. */
export function listEvents({ state, form, account }: Call): Answer {
  only(form, ...LIST_PARAMETERS, "created", "type", "types", "delivery_success");
  const type = text(form, "type");
  const types = Object.values(group(form, "types"));
  if (type !== undefined && types.length > 0)
    throw invalidRequest(undefined, "You may pass either `type` or `types`, not both.", "types");
  const matching = eventsOf(state, account).filter(
    (event) =>
      (type === undefined || event.type === type) && (types.length === 0 || types.includes(event.type)),
  );
  return { body: listOf("/v1/events", matching, form) };
}

export function retrieveEvent({ state, id, form, account }: Call): Answer {
  only(form);
  const event = eventsOf(state, account).find((one) => one.id === id);
  if (event === undefined) throw missing("event", id);
  return { body: event };
}

function eventsOf(state: State, account: string | undefined): Stripe.Event[] {
  const pending = (id: string) => [...state.deliveries.values()].filter(({ event }) => event === id).length;
  return [...state.objects.event.values()]
    .filter((event) => event.account === account)
    .map((event) => ({ ...event, pending_webhooks: pending(event.id) }));
}
