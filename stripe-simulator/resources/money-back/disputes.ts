import type Stripe from "stripe";
import { missing, refused } from "../../errors.ts";
import { only } from "../../form.ts";
import type { Answer, Call } from "../../routes.ts";
import type { Change, State } from "../../state.ts";
import { balanceTransaction } from "../balance.ts";
import { chargeOf } from "./payments.ts";

/** What of a dispute programs read here; evidence is left out. */
export type WireDispute = Pick<
  Stripe.Dispute,
  | "id"
  | "object"
  | "amount"
  | "balance_transactions"
  | "created"
  | "currency"
  | "is_charge_refundable"
  | "livemode"
  | "metadata"
  | "reason"
  | "status"
> & { charge: string; payment_intent: string };

export const DISPUTE_OUTCOMES = ["won", "lost", "warning_closed"] as const;
const FEE = 1500;

/** A lever: the customer's bank takes the money back, and Stripe charges for it. A question only, when it is an inquiry. */
export function openDispute(
  state: State,
  charge: string,
  asked: number | undefined,
  inquiry: boolean,
): [WireDispute, Change] {
  const { amount: charged, currency, payment_intent } = chargeOf(state, charge);
  const amount = asked ?? charged;
  const id = state.nextId("du");
  const taken = inquiry
    ? []
    : [
        {
          ...balanceTransaction(state, {
            amount: -amount,
            currency,
            reporting_category: "dispute",
            source: id,
            type: "adjustment",
          }),
          fee: FEE,
          net: -amount - FEE,
        },
      ];
  const dispute: WireDispute = {
    ...{ id, object: "dispute", amount, balance_transactions: taken, charge, created: state.now(), currency },
    ...{ is_charge_refundable: inquiry, livemode: false, metadata: {}, payment_intent, reason: "fraudulent" },
    status: inquiry ? "warning_needs_response" : "needs_response",
  };
  return [
    dispute,
    {
      put: [
        { kind: "dispute", object: dispute },
        ...taken.map((object) => ({ kind: "balance_transaction" as const, object })),
      ],
      balance: taken.map(({ net }) => ({ currency, add: net })),
    },
  ];
}

/** A lever: the bank has decided, or changed its mind on appeal. Won, the money comes back; the fee only if it is said. */
export function closeDispute(
  state: State,
  id: string,
  status: (typeof DISPUTE_OUTCOMES)[number],
  feeReturned: boolean,
): [WireDispute, Change] {
  const open = state.objects.dispute.get(id);
  if (open === undefined) throw missing("dispute", id);
  const appealed = open.status === "lost" && status === "won";
  if (DISPUTE_OUTCOMES.some((closed) => closed === open.status) && !appealed)
    throw refused("dispute_closed", "It is closed already.");
  const { currency, amount } = open;
  const fee = feeReturned ? -FEE : 0;
  const back =
    status === "won"
      ? [
          {
            ...balanceTransaction(state, {
              amount,
              currency,
              reporting_category: "dispute_reversal",
              source: id,
              type: "adjustment",
            }),
            fee,
            net: amount - fee,
          },
        ]
      : [];
  const dispute: WireDispute = {
    ...open,
    status,
    balance_transactions: [...open.balance_transactions, ...back],
  };
  return [
    dispute,
    {
      put: [
        { kind: "dispute", object: dispute },
        ...back.map((object) => ({ kind: "balance_transaction" as const, object })),
      ],
      balance: back.map(({ net }) => ({ currency, add: net })),
    },
  ];
}

export function retrieveDispute({ state, id, form }: Call): Answer {
  only(form);
  const dispute = state.objects.dispute.get(id);
  if (dispute === undefined) throw missing("dispute", id);
  return { body: dispute };
}
