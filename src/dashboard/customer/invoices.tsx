import { Link } from "wouter";
import { isZero } from "../data/money.ts";
import { monthName } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { DataTable } from "../parts/data-table.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { Pager, usePaging } from "../parts/pager.tsx";
import { Shown } from "../parts/states.tsx";
import { useCustomer } from "./customer-context.ts";

/** A customer's invoices, one a month and currency. */
export function Invoices() {
  const customer = useCustomer();
  const paging = usePaging();
  const query = { customer, limit: 24, cursor: paging.cursor };
  const invoices = useApi("get /v1/invoices", { query });
  return (
    <Page title="Invoices">
      <Panel
        title="By month"
        note="What was used in a month, as it was closed. Payment is asked for by Stripe."
      >
        <Shown query={invoices} lines={8}>
          {({ data, next_cursor }) => (
            <>
              <DataTable
                caption="Invoices"
                columns={[
                  {
                    key: "month",
                    title: "Month",
                    lead: true,
                    sort: ({ period }) => period,
                    cell: ({ id, period, currency }) => (
                      <Link href={`/invoices/${id}`}>
                        {monthName(period)}, {currency}
                      </Link>
                    ),
                  },
                  { key: "lines", title: "Lines", figure: true, cell: ({ line_count }) => line_count },
                  {
                    key: "credits",
                    title: "Paid from credits",
                    figure: true,
                    cell: ({ paid_from_credits: paid }) => (isZero(paid) ? "–" : <MoneyView value={paid} />),
                  },
                  {
                    key: "amount",
                    title: "Amount",
                    figure: true,
                    cell: ({ amount }) => <MoneyView value={amount} />,
                  },
                  {
                    key: "left",
                    title: "Left to pay",
                    figure: true,
                    cell: ({ left }) => (isZero(left) ? "–" : <MoneyView value={left} />),
                  },
                ]}
                sortBy="month"
                rows={data}
                keyOf={({ id }) => id}
                empty="No invoices yet: the first comes when the first month is closed."
              />
              <Pager paging={paging} next={next_cursor} />
            </>
          )}
        </Shown>
      </Panel>
    </Page>
  );
}
