import { Link } from "wouter";
import type { Schema } from "../data/api.ts";
import { nanosOf } from "../data/money.ts";
import { monthName, numberOf } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { DataTable } from "../parts/data-table.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Panel } from "../parts/page.tsx";
import { Shown } from "../parts/states.tsx";

/** The plan beside the last one before it: what is new, gone, more and less. */
export function PlanChanges({ period, hash }: { period: string; hash: string | null }) {
  const changes = useApi(
    "get /v1/settlements/{period}/changes",
    { path: { period } },
    { enabled: hash !== null },
  );
  const since = changes.data?.since;
  return (
    <Panel
      title="Against the month before"
      note={
        since === null
          ? "There is no plan before this one."
          : since && `Against ${monthName(since)}, the largest differences first`
      }
    >
      <Shown query={changes} lines={6}>
        {({ data }) => (
          <DataTable
            caption="Differences to the plan before"
            columns={[
              {
                key: "payee",
                title: "Payee",
                lead: true,
                cell: ({ payee }) => <Link href={`/payees/${payee}`}>{payee}</Link>,
              },
              {
                key: "before",
                title: "Before",
                figure: true,
                cell: (row) => <MoneyView value={row.before} />,
              },
              { key: "now", title: "Now", figure: true, cell: (row) => <MoneyView value={row.now} /> },
              {
                key: "difference",
                title: "Difference",
                figure: true,
                sort: (row) => nanosOf(row.difference.amount),
                cell: (row) => <MoneyView value={row.difference} signed />,
              },
              { key: "why", title: "Why nothing is paid", cell: (row) => row.why ?? "–" },
            ]}
            rows={data}
            keyOf={({ payee, currency }) => `${payee} ${currency}`}
            empty="Everybody gets what they got before."
          />
        )}
      </Shown>
    </Panel>
  );
}

/** Who is paid what by the plan, and whose balance it carries on and why; what came of it afterwards stands elsewhere. */
export function PlanTables({ plan, isApproved }: { plan: Schema<"SettlementPlan">; isApproved: boolean }) {
  return (
    <>
      <Panel
        title="Payouts"
        note={plan.totals.map(({ currency, payouts, amount }) => (
          <span key={currency}>
            {numberOf(payouts, "payout")}, <MoneyView value={amount} />{" "}
          </span>
        ))}
      >
        <DataTable
          caption="Planned payouts"
          sortBy="amount"
          columns={[
            {
              key: "payee",
              title: "Payee",
              lead: true,
              sort: ({ payee }) => payee,
              cell: ({ payee }) => <Link href={`/payees/${payee}`}>{payee}</Link>,
            },
            { key: "account", title: "Account", cell: ({ account }) => <code>{account}</code> },
            {
              key: "carried",
              title: "Stays on the account",
              figure: true,
              cell: ({ carried }) => <MoneyView value={carried} />,
            },
            {
              key: "amount",
              title: isApproved ? "Approved" : "To be paid",
              figure: true,
              sort: ({ amount }) => nanosOf(amount.amount),
              cell: ({ amount }) => <MoneyView value={amount} />,
            },
          ]}
          rows={plan.payouts}
          keyOf={({ id }) => id}
          empty="Nobody is paid by this plan."
        />
      </Panel>
      <Panel title="Carried on by the plan" note="Not paid in this month, and why.">
        <DataTable
          caption="Balances that are carried on"
          columns={[
            {
              key: "payee",
              title: "Payee",
              lead: true,
              cell: ({ payee }) => <Link href={`/payees/${payee}`}>{payee}</Link>,
            },
            { key: "reason", title: "Reason", cell: ({ reason }) => reason.replaceAll("_", " ") },
            { key: "message", title: "What the payee reads", cell: ({ message }) => message },
            {
              key: "amount",
              title: "Amount",
              figure: true,
              sort: ({ amount }) => nanosOf(amount.amount),
              cell: ({ amount }) => <MoneyView value={amount} />,
            },
          ]}
          rows={plan.carried}
          keyOf={({ payee, currency }) => `${payee} ${currency}`}
          empty="Nothing is carried on."
        />
      </Panel>
    </>
  );
}
