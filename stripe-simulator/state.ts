import type Stripe from "stripe";
import { openJournal } from "./journal.ts";
import type { WireInvoiceItem } from "./resources/invoice-items.ts";
import type { WireInvoice } from "./resources/invoices.ts";
import type { WireCreditNote } from "./resources/money-back/credit-notes.ts";
import type { WireDispute } from "./resources/money-back/disputes.ts";
import type { WireCharge, WirePayment } from "./resources/money-back/payments.ts";
import { eventsOf } from "./webhooks/events.ts";

/** Amounts in these are minor units as safe integers: that is Stripe's own wire format. */
export interface Objects {
  account: Stripe.Account;
  transfer: Stripe.Transfer;
  reversal: Stripe.TransferReversal;
  balance_transaction: Stripe.BalanceTransaction;
  bank_payout: BankPayout;
  customer: Stripe.Customer;
  invoice: WireInvoice;
  invoice_item: WireInvoiceItem;
  invoice_payment: WirePayment;
  payment_record: Stripe.PaymentRecord;
  charge: WireCharge;
  refund: Stripe.Refund;
  credit_note: WireCreditNote;
  dispute: WireDispute;
  event: Stripe.Event;
  webhook_endpoint: WebhookEndpoint;
}
export interface WebhookEndpoint {
  id: string;
  endpoint: Stripe.WebhookEndpoint;
  secret: string;
  /** Whether it gets the events of connected accounts, or those of the platform. */
  connect: boolean;
}
/** An event that an endpoint has not taken yet. */
export interface Delivery {
  id: string;
  event: string;
  endpoint: string;
  /** Seconds, on the simulator's clock. */
  due: number;
  attempts: number;
}
/** A connected account's payout to its bank. Stripe's object does not say whose it is. */
export interface BankPayout {
  id: string;
  account: string;
  payout: Stripe.Payout;
}
export type Kind = keyof Objects;
type Put<K extends Kind = Kind> = { [P in K]: { kind: P; object: Objects[P] } }[K];

export interface KeptAnswer {
  requestHash: string;
  status: number;
  body: unknown;
  /** Seconds, on the simulator's clock. */
  at: number;
}

/** All changes of a request, and the answer kept under its key, are one journal entry: all or nothing. */
export interface Change {
  put?: Put[];
  /** Minor units by currency, added to what is available. */
  balance?: { currency: string; add: number }[];
  /** What is on its way to the platform's balance, by currency. */
  pending?: { currency: string; amount: number };
  closed?: { account: string; closed: boolean };
  kept?: { key: string; answer: KeptAnswer };
  clockOffset?: number;
  /** Deliveries that begin, or are put off. */
  deliver?: Delivery[];
  /** A delivery that was taken, or given up. */
  delivered?: string;
  /** A webhook endpoint that is deleted. */
  remove?: string;
  /** Who asked for it, for its events. */
  request?: { id: string; idempotency_key: string | null };
}

/** Stripe prunes keys after a day or later; the simulator does it on the second, since that is the dangerous case. */
const KEY_LIFE_SECONDS = 86_400;
const START_BALANCE = 10 ** 12;

/** Everything the simulator knows: in memory, and behind it the journal. */
export class State {
  readonly objects: { [P in Kind]: Map<string, Objects[P]> } = {
    account: new Map(),
    transfer: new Map(),
    reversal: new Map(),
    balance_transaction: new Map(),
    bank_payout: new Map(),
    customer: new Map(),
    invoice: new Map(),
    invoice_item: new Map(),
    invoice_payment: new Map(),
    payment_record: new Map(),
    charge: new Map(),
    refund: new Map(),
    credit_note: new Map(),
    dispute: new Map(),
    event: new Map(),
    webhook_endpoint: new Map(),
  };
  readonly deliveries = new Map<string, Delivery>();
  readonly #closed = new Set<string>();
  readonly #balances = new Map<string, number>();
  readonly #pending = new Map<string, number>();
  readonly #kept = new Map<string, KeptAnswer>();
  readonly #journal;
  #clockOffset = 0;
  #serial = 0;

  /** @param path the journal's; without one nothing outlives the process */
  constructor(path: string | undefined) {
    this.#journal = openJournal<Change>(path, (change) => this.#apply(change));
  }

  /** Takes effect at once, with its events; nobody may be told of it before `durable`. */
  commit(asked: Change): void {
    const events = eventsOf(this, asked);
    const put = events.map((object) => ({ kind: "event" as const, object }));
    const change =
      events.length === 0
        ? asked
        : { ...asked, put: [...(asked.put ?? []), ...put], deliver: this.#deliveriesOf(events) };
    this.#apply(change);
    this.#journal.append(change);
  }

  /** Resolves when everything seen so far is on disk, so that what an answer tells cannot be lost. */
  durable(): Promise<void> {
    return this.#journal.durable();
  }

  /** Seconds since 1970 on the simulator's clock, which tests may move forward. */
  now(): number {
    return Math.floor(Date.now() / 1000) + this.#clockOffset;
  }

  advance(seconds: number): void {
    this.commit({ clockOffset: this.#clockOffset + seconds });
  }

  available(currency: string): number {
    return this.#balances.get(currency) ?? START_BALANCE;
  }

  pending(currency: string): number {
    return this.#pending.get(currency) ?? 0;
  }

  currencies(): string[] {
    return [...new Set(["usd", ...this.#balances.keys(), ...this.#pending.keys()])];
  }

  /** An account that exists and is not closed. */
  account(id: string): Stripe.Account | undefined {
    return this.#closed.has(id) ? undefined : this.objects.account.get(id);
  }

  kept(key: string): KeptAnswer | undefined {
    const answer = this.#kept.get(key);
    return answer === undefined || this.#isPruned(answer) ? undefined : answer;
  }

  nextId(prefix: string): string {
    this.#serial++;
    return `${prefix}_sim${this.#serial.toString(36).padStart(10, "0")}`;
  }

  counts(): Record<Kind | "idempotency_key", number> {
    const sizes = Object.entries(this.objects).map(([kind, objects]) => [kind, objects.size]);
    return {
      ...(Object.fromEntries(sizes) as Record<Kind, number>),
      idempotency_key: [...this.#kept.values()].filter((answer) => !this.#isPruned(answer)).length,
    };
  }

  #apply(change: Change): void {
    for (const put of change.put ?? []) {
      this.#put(put);
      const serial = Number.parseInt(/_sim([0-9a-z]{10})$/.exec(put.object.id)?.[1] ?? "0", 36);
      this.#serial = Math.max(this.#serial, serial);
    }
    for (const { currency, add } of change.balance ?? [])
      this.#balances.set(currency, this.available(currency) + add);
    if (change.pending !== undefined) this.#pending.set(change.pending.currency, change.pending.amount);
    if (change.closed?.closed === true) this.#closed.add(change.closed.account);
    if (change.closed?.closed === false) this.#closed.delete(change.closed.account);
    if (change.clockOffset !== undefined) this.#clockOffset = change.clockOffset;
    for (const delivery of change.deliver ?? []) this.deliveries.set(delivery.id, delivery);
    if (change.delivered !== undefined) this.deliveries.delete(change.delivered);
    if (change.remove !== undefined) this.objects.webhook_endpoint.delete(change.remove);
    if (change.kept !== undefined) this.#keep(change.kept.key, change.kept.answer);
  }

  #deliveriesOf(events: Stripe.Event[]): Delivery[] {
    const wants = ({ endpoint, connect }: WebhookEndpoint, { type, account }: Stripe.Event) =>
      connect === (account !== undefined) &&
      endpoint.enabled_events.some((enabled) => enabled === "*" || enabled === type);
    return events.flatMap((event) =>
      [...this.objects.webhook_endpoint.values()]
        .filter((endpoint) => wants(endpoint, event))
        .map(({ id }) => ({
          id: `${event.id} ${id}`,
          event: event.id,
          endpoint: id,
          due: this.now(),
          attempts: 0,
        })),
    );
  }

  #put<K extends Kind>({ kind, object }: Put<K>): void {
    this.objects[kind].set(object.id, object);
  }

  #keep(key: string, answer: KeptAnswer): void {
    // Deleted first, so that the map stays in the order of time and the pruned ones are in front.
    this.#kept.delete(key);
    this.#kept.set(key, answer);
    for (const [oldest, { at }] of this.#kept) {
      if (!this.#isPruned({ at })) break;
      this.#kept.delete(oldest);
    }
  }

  #isPruned({ at }: { at: number }): boolean {
    return this.now() - at >= KEY_LIFE_SECONDS;
  }
}
