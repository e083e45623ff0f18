import { type FormEvent, useState } from "react";
import { Link } from "wouter";
import type { Schema } from "../data/api.ts";
import { useSession } from "../data/session.ts";
import { count, monthName, monthRange, thisMonth, timeName } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { DataTable } from "../parts/data-table.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Panel } from "../parts/page.tsx";
import { Pager, usePaging } from "../parts/pager.tsx";
import { Shown } from "../parts/states.tsx";
import { Term } from "../parts/term.tsx";
import { useLastMonth } from "./last-month.ts";

type Listed = Schema<"ListedPrediction">;
const STATUSES = ["succeeded", "failed", "canceled", "aborted"] as const;

interface Filters {
  month?: string;
  model?: string;
  version?: string;
  status?: (typeof STATUSES)[number];
  customer?: string;
}

/** A month's predictions, those that were counted last first, as narrow as somebody asks. */
export function PredictionList() {
  const { data: session } = useSession();
  const last = useLastMonth();
  const [{ month = last, ...filters }, setFilters] = useState<Filters>({});
  const paging = usePaging();
  const { from, to } = monthRange(month ?? thisMonth());
  const asked = { from: `${from}T00:00:00Z`, to: `${to}T00:00:00Z`, ...filters };
  const listed = useApi(
    "get /v1/predictions",
    { query: { ...asked, limit: 50, cursor: paging.cursor } },
    { enabled: month !== undefined },
  );
  const show = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const given = [...form].map(([name, value]) => [name, String(value).trim()] as const);
    paging.restart();
    setFilters(Object.fromEntries(given.filter(([, value]) => value !== "")));
  };
  return (
    <Panel
      title={month === undefined ? "Predictions" : `Predictions of ${monthName(month)}`}
      note="By when they were made (UTC). Those that were counted last come first."
    >
      <form className="row-form" onSubmit={show}>
        <label className="choice">
          <span>Month</span>
          <input
            key={last}
            name="month"
            type="month"
            required
            defaultValue={month}
            pattern="\d{4}-\d{2}"
            placeholder="2023-11"
          />
        </label>
        <label className="choice grow">
          <span>Model</span>
          <input name="model" pattern="[^\s\/]+\/[^\s\/]+" placeholder="owner/name" spellCheck={false} />
        </label>
        <label className="choice">
          <span>Version</span>
          <input name="version" maxLength={256} spellCheck={false} />
        </label>
        <label className="choice">
          <span>Status</span>
          <select name="status">
            <option value="">all</option>
            {STATUSES.map((status) => (
              <option key={status}>{status}</option>
            ))}
          </select>
        </label>
        {session?.role === "operator" && (
          <label className="choice">
            <span>Customer</span>
            <input name="customer" maxLength={64} spellCheck={false} />
          </label>
        )}
        <button type="submit">Show</button>
      </form>
      <Shown query={listed} lines={10}>
        {({ data, next_cursor }) => (
          <>
            <Rows rows={data} role={session?.role} />
            <Pager paging={paging} next={next_cursor} />
          </>
        )}
      </Shown>
    </Panel>
  );
}

function Rows({ rows, role }: { rows: readonly Listed[]; role: string | undefined }) {
  return (
    <DataTable
      caption="Predictions"
      columns={[
        {
          key: "prediction",
          title: "Prediction",
          lead: true,
          cell: ({ id, source }) => (
            <Link href={`/predictions/${encodeURIComponent(id)}?source=${encodeURIComponent(source)}`}>
              {id}
            </Link>
          ),
        },
        { key: "when", title: "When", cell: ({ occurred_at }) => timeName(occurred_at) },
        {
          key: "model",
          title: "Model",
          cell: ({ model, version }) => (
            <>
              {model} {version !== null && <span className="dim">{version}</span>}
            </>
          ),
        },
        ...(role === "operator"
          ? [{ key: "customer", title: "Customer", cell: ({ customer }: Listed) => customer ?? "–" }]
          : []),
        { key: "status", title: "Status", cell: ({ status }) => status },
        {
          key: "seconds",
          title: "Seconds",
          figure: true,
          cell: ({ predict_seconds }) => predict_seconds ?? "–",
        },
        {
          key: "tokens_out",
          title: "Tokens out",
          figure: true,
          cell: ({ output_tokens }) => (output_tokens === null ? "–" : count(output_tokens)),
        },
        {
          key: "gross",
          title: <Term name="gross" />,
          figure: true,
          cell: ({ gross }) => <MoneyView value={gross} />,
        },
        ...(role === "payee"
          ? [
              {
                key: "earned",
                title: "You earned",
                figure: true,
                cell: ({ earned }: Listed) => (earned === null ? "–" : <MoneyView value={earned} />),
              },
            ]
          : []),
      ]}
      rows={rows}
      keyOf={({ source, id }) => `${source} ${id}`}
      empty="No prediction of this month is like this."
    />
  );
}
