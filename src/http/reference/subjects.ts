/** What the reference has a page for. */
export interface Subject {
  /** In the page's address; also the operations' tag. */
  slug: string;
  title: string;
  about: string;
  /** What paths begin with. */
  collections: readonly string[];
}

const REST: Subject = { slug: "more", title: "More", about: "What has no page of its own.", collections: [] };

/** In the order in which somebody new needs them. */
export const SUBJECTS: readonly Subject[] = [
  {
    slug: "usage",
    title: "Usage and metering",
    about: "What predictions used: how it comes in, how far it is counted, and what could not be counted.",
    collections: ["events", "ingest", "metering", "dead-letters"],
  },
  {
    slug: "catalogue",
    title: "Catalogue and agreements",
    about: "Models, prices and revenue policies, and what their owners agree on.",
    collections: ["models", "catalog", "policies", "share-proposals", "royalty-terms", "royalty-acceptances"],
  },
  {
    slug: "payees",
    title: "Payees",
    about: "Who is paid: earnings, balances, statements, payouts, onboarding.",
    collections: ["payees"],
  },
  {
    slug: "customers",
    title: "Customers",
    about: "Who pays: terms, spend, limits, credits, and asking before a prediction runs.",
    collections: ["customers", "reservations"],
  },
  {
    slug: "predictions",
    title: "Predictions",
    about: "One prediction: what it used, cost and said, who earned of it, and what people think of it.",
    collections: ["predictions", "shared", "feedback"],
  },
  {
    slug: "settlement",
    title: "Settlement and payouts",
    about: "The month's end: close, plan, approve, pay, reconcile, and the rules that payouts follow.",
    collections: [
      "settlements",
      "payouts",
      "payout-terms",
      "reserve-rules",
      "tax-form-rules",
      "tax-reports",
      "fx-rates",
      "waiting-balances",
    ],
  },
  {
    slug: "billing",
    title: "Invoices and money back",
    about: "What customers owe and have paid; refunds, disputes, corrections.",
    collections: [
      "invoices",
      "owed-customers",
      "release-rule",
      "refunds",
      "refund-policy",
      "disputes",
      "corrections",
    ],
  },
  {
    slug: "webhooks",
    title: "Webhooks",
    about: "What is told to your programs, and what Stripe tells this service.",
    collections: ["webhook-endpoints", "webhooks"],
  },
  {
    slug: "access",
    title: "Access",
    about: "Keys, people, sessions, and the log of who changed what.",
    collections: ["keys", "users", "sessions", "login-links", "login-options", "oidc", "audit-log", "live"],
  },
  REST,
];

/** By the first part of a path under /v1: "/payees/{id}" or "/v1/payees/{id}". */
export function subjectOf(path: string): Subject {
  const [collection = ""] = path
    .replace(/^\/v1(?=\/)/, "")
    .slice(1)
    .split("/");
  return SUBJECTS.find(({ collections }) => collections.includes(collection)) ?? REST;
}

/** Where an operation stands on its page. */
export function anchorOf(method: string, path: string): string {
  return `${method} ${path.replace(/^\/v1/, "")}`
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replace(/-$/, "");
}
