import type { Money, Period } from "../kernel/index.ts";

export type PushState = "not_pushed" | "waiting" | "pushing" | "unknown" | "pushed" | "failed";

/** What a customer is asked to pay for one period and currency: gross + carried_in = netted + amount + carried_out, exactly. */
export interface Invoice {
  id: string;
  period: Period;
  customer: string;
  currency: string;
  line_count: number;
  /** Exact decimals in major units. */
  gross: string;
  carried_in: string;
  /** What close paid out of the earnings of the payee that the customer is linked to. */
  netted: Money;
  /** In whole steps of the currency. */
  amount: Money;
  carried_out: string;
  /** Of the amount: what the customer's credits paid when it was made. Nobody is asked for that. */
  paid_from_credits: Money;
  /** What came for it, with what credits paid. amount = paid + credited + left. */
  paid: Money;
  /** What it asks for less, since usage was refunded. */
  credited: Money;
  /** Exact, in major units: what refunds and lost disputes took off it in the books; what is neither credited nor returned of it is on the customer's account. */
  refunded: string;
  /** Money that went back to the customer: by refunds, and by disputes that were lost. */
  returned: Money;
  /** What open disputes are about. */
  disputed: Money;
  left: Money;
  push: {
    state: PushState;
    attempt: number;
    reason: string | null;
    /** The billing provider's name for it. */
    provider_id: string | null;
  };
}

export interface InvoiceLine {
  service_month: Period;
  model: string;
  meter: string;
  /** Major units for each `per` units of the meter. */
  unit_amount: string;
  per: string;
  /** In the meter's units: seconds, tokens, images, runs. */
  quantity: string;
  events: string;
  /** Exact: quantity × unit_amount ÷ per, in major units. */
  gross: string;
}

export interface InvoiceWithLines extends Invoice {
  lines: InvoiceLine[];
}
