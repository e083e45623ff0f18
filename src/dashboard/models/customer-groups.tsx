import { memo } from "react";
import { usePayee } from "../creator/payee-context.ts";
import { nanosOf } from "../data/money.ts";
import { count, monthRange, percent } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { DataTable } from "../parts/data-table.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Panel } from "../parts/page.tsx";
import { Shown } from "../parts/states.tsx";
import { Term } from "../parts/term.tsx";

/** The month by groups of customers: countries, joined until none is of fewer than five customers. */
export const CustomerGroups = memo(function CustomerGroups({
  month,
  currency,
}: {
  month: string;
  /** Nothing asks in the payee's own. */
  currency: string | undefined;
}) {
  const payee = usePayee();
  const groups = useApi("get /v1/payees/{id}/earnings", {
    path: { id: payee },
    query: { ...monthRange(month), currency, group_by: "customer_group" },
  });
  return (
    <Panel
      title="By groups of customers"
      note="All models together. No group is of fewer than five customers: small countries are joined."
    >
      <Shown query={groups} lines={4}>
        {({ data }) => (
          <DataTable
            caption="Earnings by groups of customers"
            columns={[
              {
                key: "group",
                title: "Group",
                lead: true,
                cell: ({ customer_group, reason }) => (
                  <>
                    {nameOf(customer_group)} <span className="tag">{reason}</span>
                  </>
                ),
              },
              { key: "predictions", title: "Predictions", figure: true, cell: (row) => count(row.events) },
              {
                key: "gross",
                title: <Term name="gross" />,
                figure: true,
                cell: (row) => <MoneyView value={row.gross} bare />,
              },
              {
                key: "earned",
                title: <Term name="earned" />,
                figure: true,
                sort: (row) => nanosOf(row.earned.amount),
                cell: (row) => <MoneyView value={row.earned} bare />,
              },
              {
                key: "effective_share",
                title: <Term name="effective_share" />,
                figure: true,
                cell: (row) => percent(row.effective_share),
              },
            ]}
            sortBy="earned"
            rows={data}
            keyOf={({ customer_group, reason }) => `${customer_group} ${reason}`}
            empty="No usage in this month."
          />
        )}
      </Shown>
    </Panel>
  );
});

function nameOf(group: string | undefined): string {
  if (group === "all") return "all customers";
  return group === "other" || group === undefined ? "other countries" : group;
}
