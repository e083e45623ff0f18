import { Link } from "wouter";
import { monthName } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { DataTable } from "../parts/data-table.tsx";
import { DownloadButton } from "../parts/download-button.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { Shown } from "../parts/states.tsx";
import { usePayee } from "./payee-context.ts";

const STATEMENTS_MAX = 240;

/** All statements; each is final, and named by its hash. */
export function Statements() {
  const payee = usePayee();
  const statements = useApi("get /v1/payees/{id}/statements", {
    path: { id: payee },
    query: { limit: STATEMENTS_MAX, lines: "none" },
  });
  const years = [...new Set(statements.data?.data.map(({ period }) => period.slice(0, 4)) ?? [])];
  return (
    <Page title="Statements">
      <Panel title="By month" note="A statement never changes: corrections stand in a later one.">
        <Shown query={statements} lines={10}>
          {({ data }) => (
            <DataTable
              caption="Statements"
              columns={[
                {
                  key: "month",
                  title: "Month",
                  lead: true,
                  cell: ({ period, currency }) => (
                    <Link href={`/statements/${period}/${currency}`}>
                      {monthName(period)}, {currency}
                    </Link>
                  ),
                },
                {
                  key: "opening",
                  title: "Opening",
                  figure: true,
                  cell: (row) => <MoneyView value={row.opening} bare />,
                },
                {
                  key: "earned",
                  title: "Earned",
                  figure: true,
                  cell: (row) => <MoneyView value={row.earned} bare />,
                },
                {
                  key: "adjustments",
                  title: "Adjustments",
                  figure: true,
                  cell: (row) => <MoneyView value={row.adjustments} bare />,
                },
                {
                  key: "paid",
                  title: "Paid",
                  figure: true,
                  cell: (row) => <MoneyView value={row.paid} bare />,
                },
                {
                  key: "closing",
                  title: "Closing",
                  figure: true,
                  cell: (row) => <MoneyView value={row.closing} bare />,
                },
              ]}
              rows={data}
              keyOf={({ period, currency }) => `${period} ${currency}`}
              empty="No statements yet: the first comes when the first month is closed."
            />
          )}
        </Shown>
      </Panel>
      {years.map((year) => (
        <Panel key={year} title={`All of ${year}`} note="For your books and your tax adviser.">
          <div className="actions">
            <DownloadButton
              operation="get /v1/payees/{id}/statements"
              input={{ path: { id: payee }, query: { year } }}
              type="text/csv"
            >
              Statements of {year} (CSV)
            </DownloadButton>
            <DownloadButton
              operation="get /v1/payees/{id}/tax-reports/{year}"
              input={{ path: { id: payee, year } }}
              type="text/csv"
            >
              Tax report {year} (CSV)
            </DownloadButton>
          </div>
        </Panel>
      ))}
    </Page>
  );
}
