import { useState } from "react";
import { timeName } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { DataTable } from "../parts/data-table.tsx";
import { MONEY_BACK_COLUMNS } from "../parts/money-back-columns.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { Shown } from "../parts/states.tsx";
import { Corrections } from "./corrections.tsx";
import { MakeRefund } from "./make-refund.tsx";
import { OwedCustomers } from "./owed-customers.tsx";
import { Person } from "./person.tsx";
import { RefundSteps } from "./refund-steps.tsx";

const SHOWN_MAX = 100;

/**
 * Refunds, disputes and corrections. Invoices are refunded, repayments recorded and what waits is decided here; the rest is made over
 * the API.
 */
export function MoneyBack() {
  return (
    <Page title="Refunds and corrections">
      <MakeRefund />
      <OwedCustomers />
      <Refunds />
      <Disputes />
      <Corrections most={SHOWN_MAX} />
    </Page>
  );
}

function Refunds() {
  const refunds = useApi("get /v1/refunds", { query: { limit: SHOWN_MAX } });
  return (
    <Panel
      title="Refunds"
      note={`The latest ${SHOWN_MAX}, with money that came back, and what was paid back elsewhere.`}
    >
      <Shown query={refunds} lines={4}>
        {({ data }) => (
          <DataTable
            caption="Refunds"
            columns={[
              { key: "id", title: "Id", lead: true, cell: ({ id }) => <code>{id}</code> },
              { key: "kind", title: "Kind", cell: ({ kind }) => kind.replaceAll("_", " ") },
              {
                key: "invoice",
                title: "Invoice",
                cell: ({ invoice }) => (invoice === null ? "–" : <code>{invoice}</code>),
              },
              {
                key: "made",
                title: "Made",
                cell: (row) => (
                  <>
                    {timeName(row.made_at)} by <Person id={row.made_by} />
                  </>
                ),
              },
              { key: "reason", title: "Reason", cell: ({ reason }) => reason },
              ...MONEY_BACK_COLUMNS,
              {
                key: "at Stripe",
                title: "At Stripe",
                cell: ({ id, kind, reversed_by, at_provider_note: note }) =>
                  reversed_by !== null ? (
                    "taken back"
                  ) : kind === "refund" ? (
                    <AtStripe id={id} note={note} />
                  ) : (
                    "–"
                  ),
              },
            ]}
            rows={data}
            keyOf={({ id }) => id}
            empty="Nothing was refunded."
          />
        )}
      </Shown>
    </Panel>
  );
}

function AtStripe({ id, note }: { id: string; note: string | null }) {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{note === null ? "Show" : "Not all of it: show why"}</summary>
      {open && <RefundSteps id={id} />}
    </details>
  );
}

const DISPUTE_TONES = { open: "warn", won: "good", lost: "bad" } as const;

function Disputes() {
  const disputes = useApi("get /v1/disputes", { query: { limit: SHOWN_MAX } });
  return (
    <Panel title="Disputes" note="Payees' parts are held until a dispute is decided.">
      <Shown query={disputes} lines={3}>
        {({ data }) => (
          <DataTable
            caption="Disputes"
            columns={[
              { key: "id", title: "Id", lead: true, cell: ({ id }) => <code>{id}</code> },
              {
                key: "state",
                title: "State",
                cell: ({ state }) => <span className={`tag ${DISPUTE_TONES[state]}`}>{state}</span>,
              },
              { key: "invoice", title: "Invoice", cell: ({ invoice }) => <code>{invoice}</code> },
              { key: "opened", title: "Opened", cell: ({ opened_at }) => timeName(opened_at) },
              { key: "reason", title: "Reason", cell: ({ reason }) => reason },
              {
                key: "amount",
                title: "Amount",
                figure: true,
                cell: ({ amount }) => <MoneyView value={amount} />,
              },
              { key: "held", title: "Held", figure: true, cell: ({ held }) => <MoneyView value={held} /> },
            ]}
            rows={data}
            keyOf={({ id }) => id}
            empty="No payment was disputed."
          />
        )}
      </Shown>
    </Panel>
  );
}
