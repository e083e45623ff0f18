/** What each figure means, in the words of docs/glossary.md. */
export const DEFINITIONS = {
  accruing: {
    title: "Accruing",
    text: "Earned in months that are still open. It moves with every prediction, and becomes payable when the month is closed.",
  },
  held: {
    title: "Held",
    text: "Earned in closed months, but not payable yet: it waits for the customers' payments, for the hold after them, or for a payment that a customer disputes.",
  },
  payable: {
    title: "Payable",
    text: "Settled and yours: it goes out with the next payout, once it reaches the minimum and nothing stands in the way.",
  },
  in_transit: {
    title: "In transit",
    text: "On its way to your payout account. The trace id finds the transfer at Stripe.",
  },
  paid_out: {
    title: "Paid out",
    text: "What has arrived in your payout account, all payouts together, less reversals.",
  },
  lifetime: {
    title: "Lifetime",
    text: "Everything you ever earned: what was paid out and what is still here, accruing included. Payouts do not change it.",
  },
  gross: {
    title: "Gross",
    text: "What customers owe for the usage: quantities times prices, before anything is taken.",
  },
  fees: {
    title: "Fees",
    text: "What the marketplace keeps: its percentage and recovered compute, with the rounding of parts of a nano.",
  },
  royalties: {
    title: "Royalties",
    text: "What goes up the lineage, to the owners of the models that this one was made from.",
  },
  shares: { title: "Shares", text: "What the model's shares take: yours and those of your collaborators." },
  earned: {
    title: "Earned",
    text: "Your part of the gross: your shares, and the royalties that come to you.",
  },
  effective_share: {
    title: "Effective share",
    text: "Earned divided by gross: what you get of each unit that customers pay.",
  },
  success_rate: {
    title: "Succeeded",
    text: "Predictions that succeeded, of all that ended. Behind it the bounds between which it lies with 95 % confidence: few predictions tell little.",
  },
  latency_p50: {
    title: "Half within",
    text: "Half of the predictions that succeeded ran no longer than this. It follows the events by a minute or so.",
  },
  latency_p95: {
    title: "95 % within",
    text: "Of a hundred predictions that succeeded, 95 ran no longer than this. It follows the events by a minute or so.",
  },
  usage_effect: {
    title: "Usage",
    text: "More or fewer predictions, at what one brought in the month before.",
  },
  price_effect: {
    title: "Price",
    text: "Another gross for each prediction: other prices, or longer and shorter predictions.",
  },
  share_effect: {
    title: "Share",
    text: "Another part of the gross for you: other fees, royalties or shares.",
  },
  corrections_effect: {
    title: "Corrections",
    text: "What refunds, disputes and corrections of earlier usage took back or gave. Each stands under Payouts, with its reason.",
  },
  reason: {
    title: "Reason",
    text: "Share: from your own part of a model. Royalty: from a model made from yours. Adjustment: a correction of an earlier month.",
  },
} as const;

export type Defined = keyof typeof DEFINITIONS;
