/** What the payment provider tells of something that happened. */
export interface ProviderEvent {
  id: string;
  type: string;
  /** The connected account that it happened to; null for the platform's own. */
  account: string | null;
  /** The id of what it is about; of an event about a part of an account, the account's. */
  about: string;
  livemode: boolean;
  occurredAt: Date;
  /** As it was signed. */
  body: string;
}

/** Reads what the provider sends: the port that this stage needs. One adapter, Stripe (`adapters/stripe`). */
export interface ProviderEventReader {
  /** Whether our key moves real money; an event from the other mode is not ours. */
  livemode: boolean;
  /** @throws Refusal signature_invalid when none of the secrets signed this body now */
  read(body: Buffer, signature: string | undefined, secrets: readonly string[]): ProviderEvent;
}

/** Does what an event of one type asks for; answers what it did, for a person. May be called again for the same event. */
export type EventHandler = (event: ProviderEvent) => Promise<EventOutcome>;

export interface EventOutcome {
  state: "handled" | "ignored";
  /** For a person. */
  outcome: string;
}

/** By the event's type; a stage that wants to hear of a type adds it where everything is wired. */
export type EventHandlers = ReadonlyMap<string, EventHandler>;
