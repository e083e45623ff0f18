import { Link } from "wouter";
import { isZero, nanosOf } from "../data/money.ts";
import { count, monthName, percent } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { DataTable } from "../parts/data-table.tsx";
import { DownloadButton } from "../parts/download-button.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { Shown } from "../parts/states.tsx";
import { usePayee } from "./payee-context.ts";

const GET = "get /v1/payees/{id}/statements/{period}";

/** One statement, as it was closed, and as paper. */
export function Statement({
  params: { period, currency },
}: {
  params: { period: string; currency: string };
}) {
  const payee = usePayee();
  const input = { path: { id: payee, period }, query: { currency } };
  const statement = useApi(GET, input);
  return (
    <Page
      title={`Statement of ${monthName(period)}`}
      above={<Link href="/statements">Statements</Link>}
      actions={
        <>
          <DownloadButton operation={GET} input={input} type="application/pdf">
            PDF
          </DownloadButton>
          <DownloadButton operation={GET} input={input} type="text/csv">
            CSV
          </DownloadButton>
        </>
      }
    >
      <Shown query={statement} lines={12}>
        {(shown) => (
          <>
            <Panel title={`Account in ${currency}`}>
              <ul className="steps account-steps">
                {ROWS.filter(({ name, always }) => always || !isZero(shown[name])).map(
                  ({ name, title, less }) => (
                    <li key={name} className={name === "closing" ? "total" : undefined}>
                      <span>{title}</span>
                      <span>
                        {less && !isZero(shown[name]) && "less "}
                        <MoneyView value={shown[name]} bare />
                      </span>
                    </li>
                  ),
                )}
              </ul>
              <p className="dim">
                SHA-256 of its content: <code>{shown.hash}</code>
              </p>
            </Panel>
            {shown.conversions.length > 0 && (
              <Panel title="Converted" note="At the marketplace's rates, each with where it comes from.">
                <ul className="steps">
                  {shown.conversions.map(({ id, from, to, rate, source }) => (
                    <li key={id}>
                      <span>
                        <MoneyView value={from} /> at {rate} ({source})
                      </span>
                      <MoneyView value={to} />
                    </li>
                  ))}
                </ul>
              </Panel>
            )}
            <Panel
              title="Lines"
              note="Usage of an earlier month that came late stands under the month of its service."
            >
              <DataTable
                caption="Lines of the statement"
                sortBy="earned"
                columns={[
                  {
                    key: "model",
                    title: "Model",
                    lead: true,
                    sort: ({ model }) => model,
                    cell: ({ model, reason, paid_by }) => (
                      <>
                        <Link href={`/models/${model}?month=${period}&currency=${currency}`}>{model}</Link>{" "}
                        <span className="tag">{reason}</span>
                        {paid_by !== model && <span className="dim"> through {paid_by}</span>}
                      </>
                    ),
                  },
                  { key: "service", title: "Service", cell: (row) => monthName(row.service_month) },
                  {
                    key: "predictions",
                    title: "Predictions",
                    figure: true,
                    cell: (row) => count(row.events),
                  },
                  {
                    key: "gross",
                    title: "Gross",
                    figure: true,
                    cell: (row) => <MoneyView value={row.gross} bare />,
                  },
                  { key: "share", title: "Share", figure: true, cell: (row) => percent(row.share) },
                  {
                    key: "earned",
                    title: "Earned",
                    figure: true,
                    sort: (row) => nanosOf(row.earned.amount),
                    cell: (row) => <MoneyView value={row.earned} bare />,
                  },
                ]}
                rows={shown.lines}
                keyOf={(row) => [row.model, row.reason, row.paid_by, row.service_month].join(" ")}
                empty="Nothing was earned in this month."
              />
            </Panel>
          </>
        )}
      </Shown>
    </Page>
  );
}

/** In the order of the paper: what comes in, and what goes off. Rows that are rare stand only where there is something. */
const ROWS = [
  { name: "opening", title: "Opening balance", always: true, less: false },
  { name: "earned", title: "Earned", always: true, less: false },
  { name: "adjustments", title: "Adjustments of earlier months", always: true, less: false },
  { name: "netted", title: "Own usage", always: false, less: true },
  { name: "held", title: "Held", always: false, less: true },
  { name: "released", title: "Released", always: false, less: false },
  { name: "converted", title: "Converted", always: false, less: false },
  { name: "paid", title: "Paid out", always: true, less: true },
  { name: "closing", title: "Closing balance", always: true, less: false },
] as const;
