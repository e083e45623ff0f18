/** Events in the shapes in which Stripe sends them (its API reference and OpenAPI), about these objects. */
export interface About {
  account: string;
  transfer: string;
  payout: string;
  invoice: string;
}

export interface Shape {
  event: { id: string; type: string } & Record<string, unknown>;
  state: "handled" | "ignored";
  outcome: RegExp;
}

const CREATED = 1_700_000_000;
const OURS = /^ada (can|cannot) receive payouts/;

export function recordedShapes({ account, transfer, payout, invoice }: About): Shape[] {
  let n = 0;
  const common = (type: string) => ({ id: `evt_1Recorded${++n}`, type, livemode: false });
  const classic = (type: string, object: object, more: object = {}) => ({
    ...common(type),
    object: "event",
    api_version: "2026-10-28.endive",
    created: CREATED,
    data: { object },
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    ...more,
  });
  const thin = (
    type: string,
    related: { id: string; type: string; url: string } | null,
    context?: string,
  ) => ({
    ...common(type),
    object: "v2.core.event",
    created: "2023-11-14T22:13:20.000Z",
    reason: null,
    related_object: related,
    ...(context === undefined ? {} : { context }),
  });
  const connected = (type: string, object: object) => classic(type, object, { account });
  const accountUrl = `/v2/core/accounts/${account}`;
  const related = { id: account, type: "v2.core.account", url: accountUrl };
  const person = {
    id: "person_1Recorded",
    type: "v2.core.account_person",
    url: `${accountUrl}/persons/person_1Recorded`,
  };
  const shapes: [Shape["event"], Shape["state"], RegExp][] = [];
  const add = (event: Shape["event"], state: Shape["state"], outcome: RegExp) =>
    shapes.push([event, state, outcome]);

  add(
    connected("account.updated", { id: account, object: "account", payouts_enabled: true }),
    "handled",
    OURS,
  );
  add(
    connected("account.application.authorized", { id: "ca_1", object: "application", name: "Us" }),
    "handled",
    OURS,
  );
  add(
    connected("account.application.deauthorized", { id: "ca_1", object: "application", name: "Us" }),
    "handled",
    OURS,
  );
  add(
    connected("capability.updated", {
      id: "transfers",
      object: "capability",
      account,
      requested: true,
      status: "active",
    }),
    "handled",
    OURS,
  );
  add(
    classic("capability.updated", { id: "transfers", object: "capability", account, status: "inactive" }),
    "handled",
    OURS,
  );
  for (const what of ["created", "updated", "deleted"]) {
    add(
      connected(`account.external_account.${what}`, {
        id: "ba_1",
        object: "bank_account",
        account,
        last4: "6789",
      }),
      "handled",
      OURS,
    );
    add(connected(`person.${what}`, { id: "person_1", object: "person", account }), "handled", OURS);
    add(thin(`v2.core.account_person.${what}`, person), "handled", OURS);
  }
  for (const part of [
    "defaults",
    "identity",
    "requirements",
    "future_requirements",
    "configuration.recipient",
  ])
    add(thin(`v2.core.account[${part}].updated`, related), "handled", OURS);
  add(thin("v2.core.account[configuration.recipient].capability_status_updated", related), "handled", OURS);
  for (const what of ["created", "updated", "closed"])
    add(thin(`v2.core.account.${what}`, related), "handled", OURS);
  add(
    thin(
      "v1.account.updated",
      { id: account, type: "account", url: `/v1/accounts/${account}` },
      `org_1/${account}`,
    ),
    "handled",
    OURS,
  );

  for (const what of ["created", "updated", "reversed"])
    add(
      classic(`transfer.${what}`, { id: transfer, object: "transfer", destination: account }),
      "handled",
      /as our books have it/,
    );
  add(
    thin("v1.transfer.updated", { id: transfer, type: "transfer", url: `/v1/transfers/${transfer}` }),
    "handled",
    /as our books have it/,
  );
  add(
    classic("transfer.reversed", { id: "tr_other", object: "transfer" }),
    "ignored",
    /no payout's transfer/,
  );

  for (const what of ["created", "updated", "paid", "failed", "canceled", "reconciliation_completed"])
    add(
      connected(`payout.${what}`, { id: payout, object: "payout", automatic: true }),
      "handled",
      /ada's payout .* to the bank is/,
    );
  add(classic("payout.paid", { id: "po_own", object: "payout" }), "ignored", /of the platform itself/);

  for (const what of [
    ...["finalized", "paid", "payment_succeeded", "payment_failed", "voided", "marked_uncollectible"],
    ...["overpaid", "overdue", "payment_action_required"],
  ])
    add(
      classic(`invoice.${what}`, { id: invoice, object: "invoice", status: "paid" }),
      "handled",
      /^inv_2023-11_acme_USD is open$/,
    );
  add(
    thin("v1.invoice.paid", { id: invoice, type: "invoice", url: `/v1/invoices/${invoice}` }),
    "handled",
    /is open$/,
  );
  add(classic("invoice.paid", { id: "in_other", object: "invoice" }), "ignored", /no invoice of ours/);

  const nobody = /nothing here listens/;
  add(
    connected("balance.available", { object: "balance", available: [], pending: [], livemode: false }),
    "ignored",
    nobody,
  );
  add(
    thin("v2.core.event_destination.ping", {
      id: "ed_1",
      type: "v2.core.event_destination",
      url: "/v2/core/event_destinations/ed_1",
    }),
    "ignored",
    nobody,
  );
  add(thin("v1.billing.meter.no_meter_found", null), "ignored", nobody);
  return shapes.map(([event, state, outcome]) => ({ event, state, outcome }));
}
