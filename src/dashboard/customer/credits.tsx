import { Link } from "wouter";
import { isZero } from "../data/money.ts";
import { dayName, timeName } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { DataTable } from "../parts/data-table.tsx";
import { MONEY_BACK_COLUMNS } from "../parts/money-back-columns.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { Pager, usePaging } from "../parts/pager.tsx";
import { Shown } from "../parts/states.tsx";
import { useCustomer } from "./customer-context.ts";

/** A customer's credits, and what is left of each. */
export function Credits() {
  const id = useCustomer();
  const paging = usePaging();
  const query = { limit: 50, cursor: paging.cursor };
  const credits = useApi("get /v1/customers/{id}/credits", { path: { id }, query });
  return (
    <Page title="Credits">
      <Panel title="What was granted" note="In the order in which they are used, when a month is invoiced.">
        <Shown query={credits} lines={6}>
          {({ data, next_cursor }) => (
            <>
              <DataTable
                caption="Credits"
                columns={[
                  {
                    key: "reason",
                    title: "For",
                    lead: true,
                    cell: ({ reason, kind }) => (
                      <>
                        {reason} <span className="tag">{kind}</span>
                      </>
                    ),
                  },
                  { key: "granted", title: "Granted", cell: ({ granted_at }) => dayName(granted_at) },
                  {
                    key: "ends",
                    title: "Ends",
                    cell: ({ expires_at }) => (expires_at === null ? "never" : timeName(expires_at)),
                  },
                  {
                    key: "amount",
                    title: "Amount",
                    figure: true,
                    cell: ({ amount }) => <MoneyView value={amount} />,
                  },
                  {
                    key: "used",
                    title: "Used",
                    figure: true,
                    cell: ({ used }) => <MoneyView value={used} />,
                  },
                  {
                    key: "expired",
                    title: "Expired",
                    figure: true,
                    cell: ({ expired }) => (isZero(expired) ? "–" : <MoneyView value={expired} />),
                  },
                  {
                    key: "revoked",
                    title: "Taken back",
                    figure: true,
                    cell: ({ revoked }) => (isZero(revoked) ? "–" : <MoneyView value={revoked} />),
                  },
                  {
                    key: "left",
                    title: "Left",
                    figure: true,
                    cell: ({ left }) => <MoneyView value={left} />,
                  },
                ]}
                rows={data}
                keyOf={(row) => row.id}
                empty="There are none."
              />
              <Pager paging={paging} next={next_cursor} />
            </>
          )}
        </Shown>
      </Panel>
      <MoneyBack />
    </Page>
  );
}

/** Of all invoices, and of what stood on the account: money that the customer paid for what no invoice asked for is below zero. */
function MoneyBack() {
  const paging = usePaging();
  const refunds = useApi("get /v1/refunds", { query: { limit: 50, cursor: paging.cursor } });
  return (
    <Panel title="Refunds and repayments" note="What is neither credited nor paid back is on your account.">
      <Shown query={refunds} lines={3}>
        {({ data, next_cursor }) => (
          <>
            <DataTable
              caption="Refunds and repayments"
              columns={[
                { key: "reason", title: "For", lead: true, cell: ({ reason }) => reason },
                { key: "kind", title: "Kind", cell: ({ kind }) => kind.replaceAll("_", " ") },
                {
                  key: "invoice",
                  title: "Invoice",
                  cell: ({ invoice }) =>
                    invoice === null ? "–" : <Link href={`/invoices/${invoice}`}>{invoice}</Link>,
                },
                { key: "made", title: "Booked", cell: ({ made_at }) => dayName(made_at) },
                ...MONEY_BACK_COLUMNS,
              ]}
              rows={data}
              keyOf={({ id }) => id}
              empty="Nothing was refunded."
            />
            <Pager paging={paging} next={next_cursor} />
          </>
        )}
      </Shown>
    </Panel>
  );
}
