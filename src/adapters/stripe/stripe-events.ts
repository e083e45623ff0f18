import Stripe from "stripe";
import { present, Refusal } from "../../kernel/index.ts";
import type { ProviderEvent, ProviderEventReader } from "../../provider-events/index.ts";

const TOLERANCE_SECONDS = 300;

/** Stripe's webhooks, with classic (v1) events and thin (v2) ones. */
export function stripeEventReader(secretKey: string | undefined): ProviderEventReader {
  return {
    livemode: /^(sk|rk)_live_/.test(secretKey ?? ""),
    read(body, signature, secrets) {
      const told = verified(body, signature, secrets);
      return told.object === "v2.core.event" ? thinEvent(told, body) : classicEvent(told, body);
    },
  };
}

/** The SDK takes times in the future; an event from there could be sent again for as long as it likes. */
function verified(body: Buffer, signature: string | undefined, secrets: readonly string[]): Told {
  if (secrets.length === 0)
    throw refused("no webhook secret is configured: set STRIPE_WEBHOOK_SECRET to the endpoint's whsec_…");
  const madeAt = Number(/(?:^|,)t=(\d{1,12})(?:,|$)/.exec(signature ?? "")?.[1]);
  if (!(Math.abs(Date.now() / 1000 - madeAt) <= TOLERANCE_SECONDS))
    throw refused("Stripe-Signature: missing, or its time is more than five minutes off: check the clocks");
  const isSigned = secrets.some((secret) => isSignedBy(secret, body, signature ?? ""));
  if (!isSigned) throw refused("Stripe-Signature: none of the configured secrets signed this body");
  try {
    return JSON.parse(body.toString()) as Told;
  } catch {
    throw refused("the body is signed, but no JSON");
  }
}

function isSignedBy(secret: string, body: Buffer, header: string): boolean {
  const signature = present(Stripe.webhooks.signature, "the SDK's signatures");
  try {
    return signature.verifyHeader(body, header, secret, TOLERANCE_SECONDS);
  } catch (error) {
    if (error instanceof Stripe.errors.StripeSignatureVerificationError) return false;
    throw error;
  }
}

function refused(message: string): Refusal {
  return new Refusal("signature_invalid", message);
}

/** What both kinds may have; signed, but not yet looked at. */
interface Told {
  id?: unknown;
  object?: unknown;
  type?: unknown;
  account?: unknown;
  livemode?: unknown;
  created?: unknown;
  context?: unknown;
  data?: { object?: { id?: unknown; object?: unknown; account?: unknown } };
  related_object?: { id?: unknown; url?: unknown } | null;
}

function classicEvent(told: Told, body: Buffer): ProviderEvent {
  const subject = told.data?.object ?? {};
  // A capability has the name of its kind for an id; it is about its account. A balance has no id at all.
  const about = subject.object === "capability" ? subject.account : (subject.id ?? subject.object);
  return {
    ...common(told, body),
    account: textOrNull(told.account),
    about: text(about, "data.object.id"),
    occurredAt: new Date(Number(told.created) * 1000),
  };
}

/** Some are about nothing but themselves, such as Stripe's own health. */
function thinEvent(told: Told, body: Buffer): ProviderEvent {
  const { id, url } = told.related_object ?? { id: told.id };
  // A person, or a part of an account, is under its account's address; a context may be a path down to the account.
  const account = /^\/v[12]\/(?:core\/)?accounts\/(acct_\w+)/.exec(String(url))?.[1];
  const within = String(told.context ?? "")
    .match(/acct_\w+/g)
    ?.at(-1);
  return {
    ...common(told, body),
    account: textOrNull(account ?? within),
    about: text(id, "related_object.id"),
    occurredAt: new Date(String(told.created)),
  };
}

function common(told: Told, body: Buffer) {
  return {
    id: text(told.id, "id"),
    type: text(told.type, "type"),
    livemode: told.livemode === true,
    body: body.toString(),
  };
}

function text(value: unknown, path: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw new Refusal("event_invalid", `${path}: missing; send Stripe's event as it is`);
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
