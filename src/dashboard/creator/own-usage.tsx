import { monthName } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { DataTable } from "../parts/data-table.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Panel } from "../parts/page.tsx";
import { Shown } from "../parts/states.tsx";
import { usePayee } from "./payee-context.ts";

/** What the payee's own customers used, and close paid out of its earnings; nothing where there never was any. */
export function OwnUsage() {
  const id = usePayee();
  const nettings = useApi("get /v1/payees/{id}/nettings", { path: { id }, query: { limit: 100 } });
  if (nettings.data?.data.length === 0) return null;
  return (
    <Panel
      title="Own usage"
      note="What customers linked to you used is paid out of your earnings when a month is closed."
    >
      <Shown query={nettings} lines={3}>
        {({ data }) => (
          <DataTable
            caption="Own usage"
            columns={[
              { key: "month", title: "Month", lead: true, cell: ({ period }) => monthName(period) },
              { key: "customer", title: "Customer", cell: ({ customer }) => customer },
              { key: "owed", title: "Used", figure: true, cell: ({ owed }) => <MoneyView value={owed} /> },
              {
                key: "netted",
                title: "Paid",
                figure: true,
                cell: ({ netted }) => <MoneyView value={netted} />,
              },
              {
                key: "left",
                title: "Left to the invoice",
                figure: true,
                cell: ({ left }) => <MoneyView value={left} />,
              },
            ]}
            rows={data}
            keyOf={({ period, customer, currency }) => `${period} ${customer} ${currency}`}
            empty="There was none."
          />
        )}
      </Shown>
    </Panel>
  );
}
