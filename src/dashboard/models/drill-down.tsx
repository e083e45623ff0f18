import { usePayee } from "../creator/payee-context.ts";
import type { Answer } from "../data/api.ts";
import { nanosOf } from "../data/money.ts";
import { count, dayName, percent } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { DataTable } from "../parts/data-table.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Shown } from "../parts/states.tsx";
import { Term } from "../parts/term.tsx";

export type Dimension = "day" | "customer_country" | "version" | "reason";
type Row = Answer<"get /v1/payees/{id}/earnings">["data"][number];

const TITLES: Record<Dimension, string> = {
  day: "Day (UTC)",
  customer_country: "Country",
  version: "Version",
  reason: "Reason",
};

/** A model's figures in a range, by one more dimension. */
export function DrillDown({
  model,
  range,
  currency,
  dimension,
}: {
  model: string;
  range: { from: string; to: string };
  currency: string;
  dimension: Dimension;
}) {
  const payee = usePayee();
  const earnings = useApi("get /v1/payees/{id}/earnings", {
    path: { id: payee },
    query: { ...range, model, currency, group_by: dimension },
  });
  return (
    <Shown query={earnings} lines={8}>
      {({ data }) => (
        <DataTable
          caption={`Earnings of ${model} by ${TITLES[dimension]}`}
          columns={[
            {
              key: "group",
              title: TITLES[dimension],
              lead: true,
              sort: (row) => nameOf(row, dimension),
              cell: (row) => (
                <>
                  {dimension === "day" ? dayName(nameOf(row, dimension)) : nameOf(row, dimension)}{" "}
                  {dimension !== "reason" && row.reason !== "share" && (
                    <span className="tag">{row.reason}</span>
                  )}
                </>
              ),
            },
            {
              key: "predictions",
              title: "Predictions",
              figure: true,
              sort: (row) => BigInt(row.events),
              cell: (row) => count(row.events),
            },
            money("gross"),
            money("fees"),
            money("royalties"),
            money("earned"),
            {
              key: "effective_share",
              title: <Term name="effective_share" />,
              figure: true,
              cell: (row) => percent(row.effective_share),
            },
          ]}
          rows={data}
          keyOf={(row) => `${nameOf(row, dimension)} ${row.reason}`}
          empty="No usage in this month."
        />
      )}
    </Shown>
  );
}

function money(key: "gross" | "fees" | "royalties" | "earned") {
  return {
    key,
    title: <Term name={key} />,
    figure: true,
    sort: (row: Row) => nanosOf(row[key].amount),
    cell: (row: Row) => <MoneyView value={row[key]} bare />,
  };
}

function nameOf(row: Row, dimension: Dimension): string {
  return row[dimension] ?? "not told";
}
