import type { Schema } from "../data/api.ts";
import { count, monthName, monthRange } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { DataTable } from "../parts/data-table.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Panel } from "../parts/page.tsx";
import { Shown } from "../parts/states.tsx";
import { Term } from "../parts/term.tsx";
import { modelPath } from "./model-field.tsx";

type Rate = Schema<"Rate"> | null;

/** A model's month for its owner, by what it ran on: how often, how well and how fast. */
export function HowItRan({ model, month }: { model: string; month: string }) {
  const insight = useApi("get /v1/models/{owner}/{name}/insight", {
    path: modelPath(model),
    query: { ...monthRange(month), group_by: "hardware" },
  });
  return (
    <Panel
      title="How it ran"
      note={`${monthName(month)} (UTC), by hardware. Every prediction: those that were not charged, and your own usage, too.`}
    >
      <Shown query={insight} lines={4}>
        {({ data }) => (
          <DataTable
            caption={`How ${model} ran, by hardware`}
            columns={[
              { key: "hardware", title: "Hardware", lead: true, cell: (row) => row.hardware ?? "not told" },
              {
                key: "predictions",
                title: "Predictions",
                figure: true,
                sort: (row) => row.predictions,
                cell: (row) => count(row.predictions),
              },
              {
                key: "succeeded",
                title: <Term name="success_rate" />,
                figure: true,
                cell: (row) => <RateView rate={row.success_rate} />,
              },
              {
                key: "half_within",
                title: <Term name="latency_p50" />,
                figure: true,
                cell: (row) => seconds(row.latency?.p50 ?? null),
              },
              {
                key: "95_%_within",
                title: <Term name="latency_p95" />,
                figure: true,
                cell: (row) => seconds(row.latency?.p95 ?? null),
              },
              {
                key: "tokens_a_second",
                title: "Tokens a second",
                figure: true,
                cell: (row) => row.output_tokens_per_second?.toFixed(1) ?? "–",
              },
              {
                key: "gross",
                title: <Term name="gross" />,
                figure: true,
                cell: (row) =>
                  row.gross.length === 0
                    ? "–"
                    : row.gross.map((value) => <MoneyView key={value.currency} value={value} />),
              },
            ]}
            sortBy="predictions"
            rows={data}
            keyOf={({ hardware }) => hardware ?? ""}
            empty="It did not run in this month."
          />
        )}
      </Shown>
    </Panel>
  );
}

/** A share of 1, with its interval where that is wide enough to be seen. */
function RateView({ rate }: { rate: Rate }) {
  if (rate === null) return "–";
  const shown = (value: number) => `${(value * 100).toFixed(1)} %`;
  const [low, high] = [shown(rate.low), shown(rate.high)];
  return (
    <>
      {shown(rate.value)} {low !== high && <span className="dim">{`${low} to ${high}`}</span>}
    </>
  );
}

function seconds(rate: Rate): string {
  return rate === null ? "–" : `${rate.value.toPrecision(3)} s`;
}
