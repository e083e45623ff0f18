import { Link } from "wouter";
import type { Money } from "../data/api.ts";
import { isZero, nanosOf } from "../data/money.ts";
import { count, dayName, monthName } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { DataTable } from "../parts/data-table.tsx";
import { MONEY_BACK_COLUMNS } from "../parts/money-back-columns.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { Shown, Skeleton } from "../parts/states.tsx";

const TOTALS = new Set(["Amount", "Left to pay"]);

/** One invoice: how its amount comes about, what of it is paid, and each line of usage. */
export function Invoice({ params }: { params: { id: string } }) {
  const invoice = useApi("get /v1/invoices/{id}", { path: { id: params.id } });
  const { data } = invoice;
  return (
    <Page
      title={data === undefined ? "Invoice" : `Invoice of ${monthName(data.period)}`}
      above={<Link href="/invoices">Invoices</Link>}
    >
      <Shown query={invoice} lines={10}>
        {({ id, currency, gross, carried_in, netted, amount, carried_out, lines, ...of }) => {
          const exact = (text: string): Money => ({ currency, amount: text });
          const rows: [string, Money, boolean][] = [
            ["Used", exact(gross), true],
            ["Carried in from the invoice before", exact(carried_in), false],
            ["Paid out of your own earnings", netted, false],
            ["Carried over to the next one: below the smallest unit", exact(carried_out), false],
            ["Amount", amount, true],
            ["Of this paid from credits", of.paid_from_credits, false],
            ["Paid", of.paid, true],
            ["Credited: refunded, and asked for no more", of.credited, false],
            ["Left to pay", of.left, true],
            ["Refunded, in all", exact(of.refunded), false],
            ["Paid back to you", of.returned, false],
            ["Disputed at your bank", of.disputed, false],
          ];
          return (
            <>
              <Panel title={`Amount in ${currency}`} note={<code>{id}</code>}>
                <ul className="steps account-steps">
                  {rows
                    .filter(([, value, always]) => always || !isZero(value))
                    .map(([title, value]) => (
                      <li key={title} className={TOTALS.has(title) ? "total" : undefined}>
                        <span>{title}</span>
                        <MoneyView value={value} bare />
                      </li>
                    ))}
                </ul>
              </Panel>
              <MoneyGivenBack invoice={id} />
              <Panel title="Lines" note="Usage of an earlier month that came late stands under that month.">
                <DataTable
                  caption="Lines of the invoice"
                  columns={[
                    {
                      key: "model",
                      title: "Model",
                      lead: true,
                      sort: ({ model }) => model,
                      cell: ({ model }) => model,
                    },
                    { key: "used", title: "Used in", cell: (row) => monthName(row.service_month) },
                    {
                      key: "quantity",
                      title: "Quantity",
                      figure: true,
                      cell: ({ quantity, meter }) => `${count(quantity)} ${meter.replaceAll("_", " ")}`,
                    },
                    {
                      key: "price",
                      title: "Price",
                      figure: true,
                      cell: ({ unit_amount, per }) => `${unit_amount} per ${count(per)}`,
                    },
                    {
                      key: "gross",
                      title: "Amount",
                      figure: true,
                      sort: (row) => nanosOf(row.gross),
                      cell: (row) => <MoneyView value={exact(row.gross)} bare />,
                    },
                  ]}
                  sortBy="gross"
                  rows={lines}
                  keyOf={({ model, service_month, meter, unit_amount, per }) =>
                    [model, service_month, meter, unit_amount, per].join(" ")
                  }
                  empty="It has no lines."
                />
              </Panel>
            </>
          );
        }}
      </Shown>
    </Page>
  );
}

/** What was refunded of it; nothing where nothing was. */
function MoneyGivenBack({ invoice }: { invoice: string }) {
  const refunds = useApi("get /v1/refunds", { query: { invoice, limit: 100 } });
  // Its place takes no room, but what stands below waits for it: see styles/parts.css.
  if (refunds.isPending) return <Skeleton lines={0} />;
  if (refunds.data === undefined || refunds.data.data.length === 0) return null;
  return (
    <Panel
      title="Refunds"
      note="Credited: the invoice asks for so much less. Paid back: money that went back to you."
    >
      <DataTable
        caption="Refunds of the invoice"
        columns={[
          { key: "for", title: "For", lead: true, cell: ({ reason }) => reason },
          { key: "when", title: "When", cell: ({ made_at }) => dayName(made_at) },
          { key: "what", title: "What", cell: ({ kind }) => kind.replaceAll("_", " ") },
          ...MONEY_BACK_COLUMNS,
        ]}
        rows={refunds.data.data}
        keyOf={({ id }) => id}
        empty="There are none."
      />
    </Panel>
  );
}
