import Stripe from "stripe";
import { z } from "zod";
import { isPlainText, parseInstant, present, Refusal } from "../../kernel/index.ts";
import type { ProviderEvent, ProviderEventReader } from "../../provider-events/index.ts";

const TOLERANCE_SECONDS = 300;

/** Stripe's webhooks, with classic (v1) events and thin (v2) ones. */
export function stripeEventReader(secretKey: string | undefined): ProviderEventReader {
  return {
    livemode: /^(sk|rk)_live_/.test(secretKey ?? ""),
    read(body, signature, secrets) {
      const told = verified(body, signature, secrets);
      const isThin = z.object({ object: z.literal("v2.core.event") }).safeParse(told).success;
      return isThin ? thinEvent(read(ThinEvent, told), body) : classicEvent(read(ClassicEvent, told), body);
    },
  };
}

/** The SDK takes times in the future; an event from there could be sent again for as long as it likes. */
function verified(body: Buffer, signature: string | undefined, secrets: readonly string[]): unknown {
  if (secrets.length === 0)
    throw refused("no webhook secret is configured: set STRIPE_WEBHOOK_SECRET to the endpoint's whsec_…");
  const madeAt = Number(/(?:^|,)t=(\d{1,12})(?:,|$)/.exec(signature ?? "")?.[1]);
  if (!(Math.abs(Date.now() / 1000 - madeAt) <= TOLERANCE_SECONDS))
    throw refused("Stripe-Signature: missing, or its time is more than five minutes off: check the clocks");
  // The SDK fails as nobody expects where a part has no value.
  const isSigned =
    /^(?:\w+=[^,]+(?:,|$))+$/.test(signature ?? "") &&
    secrets.some((secret) => isSignedBy(secret, body, signature ?? ""));
  if (!isSigned) throw refused("Stripe-Signature: none of the configured secrets signed this body");
  try {
    return JSON.parse(body.toString());
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

/** Stripe's ids have up to 255 characters. */
const Text = z.string().min(1).max(500).refine(isPlainText, "text without control characters");
const Common = z.object({ id: Text, type: Text, livemode: z.boolean().optional() });
// What Stripe leaves out or makes null, it does not say. A capability has the name of its kind for an id; a balance has none.
const ClassicEvent = Common.extend({
  account: Text.nullish(),
  created: z.int().min(0).max(253_402_300_799),
  data: z.object({
    object: z.object({ id: Text.nullish(), object: Text.nullish(), account: z.unknown().optional() }),
  }),
});
const ThinEvent = Common.extend({
  context: Text.nullish(),
  created: z.string().refine((text) => parseInstant(text) !== undefined, "an RFC 3339 time"),
  related_object: z.object({ id: Text, url: Text.nullish() }).nullish(),
});

/** @throws Refusal event_invalid, naming the first field that is wrong */
function read<T>(schema: z.ZodType<T>, told: unknown): T {
  const parsed = schema.safeParse(told);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw notAsSent(issue?.path.join(".") || "the body", issue?.message ?? "wrong");
}

function notAsSent(path: string, what: string): Refusal {
  return new Refusal("event_invalid", `${path}: ${what}; send Stripe's event as it is`);
}

function classicEvent(told: z.infer<typeof ClassicEvent>, body: Buffer): ProviderEvent {
  const subject = told.data.object;
  // A capability is about its account.
  const about = subject.object === "capability" ? subject.account : (subject.id ?? subject.object);
  if (typeof about !== "string" || !Text.safeParse(about).success)
    throw notAsSent("data.object.id", "missing, or no id");
  return {
    ...common(told, body),
    account: told.account ?? null,
    about,
    occurredAt: new Date(told.created * 1000),
  };
}

/** Some are about nothing but themselves, such as Stripe's own health. */
function thinEvent(told: z.infer<typeof ThinEvent>, body: Buffer): ProviderEvent {
  const { id, url } = told.related_object ?? { id: told.id };
  // A person, or a part of an account, is under its account's address; a context may be a path down to the account.
  const account = /^\/v[12]\/(?:core\/)?accounts\/(acct_\w+)/.exec(url ?? "")?.[1];
  const within = told.context?.match(/acct_\w+/g)?.at(-1);
  return {
    ...common(told, body),
    account: account ?? within ?? null,
    about: id,
    occurredAt: new Date(Number(present(parseInstant(told.created), "a time") / 1000n)),
  };
}

function common({ id, type, livemode }: z.infer<typeof Common>, body: Buffer) {
  return { id, type, livemode: livemode === true, body: body.toString() };
}
