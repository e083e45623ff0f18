import { useMemo, useState } from "react";
import { Link } from "wouter";
import { SparkLine } from "../charts/spark-line.tsx";
import { MonthChoice } from "../creator/month-choice.tsx";
import { useMonth } from "../creator/use-month.ts";
import type { Answer, Money } from "../data/api.ts";
import { addMoney, nanosOf } from "../data/money.ts";
import { count, monthName, monthRange, percent } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { DataTable } from "../parts/data-table.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { ErrorState, Shown } from "../parts/states.tsx";
import { Term } from "../parts/term.tsx";
import { CustomerGroups } from "./customer-groups.tsx";

interface Row {
  model: string;
  events: string;
  gross: Money;
  share: Money;
  royalty: Money;
  earned: Money;
  effective: string;
}

/** Every model that paid something in the month, with what it brought and how that went. */
export function Models() {
  const chosen = useMonth();
  const { payee, month = "", askedCurrency } = chosen;
  const [search, setSearch] = useState("");
  const range = month === "" ? { from: "2000-01-01", to: "2000-01-02" } : monthRange(month);
  const ready = { enabled: month !== "" };
  const path = { id: payee };
  const earnings = useApi(
    "get /v1/payees/{id}/earnings",
    { path, query: { ...range, currency: askedCurrency, group_by: "model" } },
    ready,
  );
  const series = useApi(
    "get /v1/payees/{id}/earnings/series",
    { path, query: { ...range, currency: askedCurrency, step: "day" } },
    ready,
  );
  const currency = earnings.data?.total.currency ?? chosen.currency ?? "";
  const rows = useMemo(() => byModel(earnings.data?.data ?? [], currency), [earnings.data, currency]);
  const sparks = useMemo(
    () => new Map(series.data?.models.map(({ model, earned }) => [model, earned])),
    [series.data],
  );
  if (chosen.error !== null) return <ErrorState error={chosen.error} />;
  return (
    <Page title="Models" asOf={earnings.data?.as_of} actions={<MonthChoice {...chosen} />}>
      <Panel
        title="What each model brought"
        note={
          month === "" || currency === ""
            ? "\u00a0"
            : `${monthName(month)}, by day of service (UTC), in ${currency}`
        }
        actions={
          <label className="choice">
            <span>Search</span>
            <input type="search" value={search} onChange={(event) => setSearch(event.target.value)} />
          </label>
        }
      >
        <Shown query={earnings} lines={12}>
          {() => (
            <DataTable
              caption="Models with their earnings"
              sortBy="earned"
              columns={[
                {
                  key: "model",
                  title: "Model",
                  lead: true,
                  sort: ({ model }) => model,
                  cell: ({ model }) =>
                    model === "" ? (
                      "no model: a correction"
                    ) : (
                      <Link href={`/models/${model}?month=${month}&currency=${currency}`}>{model}</Link>
                    ),
                },
                {
                  key: "trend",
                  title: "Trend",
                  cell: ({ model }) => <SparkLine amounts={sparks.get(model) ?? []} />,
                },
                {
                  key: "predictions",
                  title: "Predictions",
                  figure: true,
                  sort: (row) => BigInt(row.events),
                  cell: (row) => count(row.events),
                },
                {
                  key: "gross",
                  title: <Term name="gross" />,
                  figure: true,
                  sort: (row) => nanosOf(row.gross.amount),
                  cell: (row) => <MoneyView value={row.gross} bare />,
                },
                {
                  key: "royalties_to_you",
                  title: "Royalties to you",
                  figure: true,
                  sort: (row) => nanosOf(row.royalty.amount),
                  cell: (row) => <MoneyView value={row.royalty} bare />,
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
                  sort: (row) => row.effective,
                  cell: (row) => percent(row.effective),
                },
              ]}
              rows={rows.filter(({ model }) => model.toLowerCase().includes(search.toLowerCase()))}
              keyOf={({ model }) => model}
              empty={
                search === ""
                  ? "No model earned anything in this month."
                  : `No model here has “${search}” in its name.`
              }
            />
          )}
        </Shown>
      </Panel>
      {ready.enabled && <CustomerGroups month={month} currency={askedCurrency} />}
    </Page>
  );
}

/** A model has a row for each reason; here they are one. */
function byModel(data: Answer<"get /v1/payees/{id}/earnings">["data"], currency: string): Row[] {
  const models = new Map<string, typeof data>();
  for (const row of data) {
    const rows = models.get(row.model ?? "");
    if (rows === undefined) models.set(row.model ?? "", [row]);
    else rows.push(row);
  }
  return [...models].map(([model, rows]) => {
    const of = (reason: string) =>
      addMoney(
        currency,
        rows.filter((row) => row.reason === reason).map((row) => row.earned.amount),
      );
    const earned = addMoney(
      currency,
      rows.map((row) => row.earned.amount),
    );
    const first = rows.find((row) => row.reason !== "adjustment") ?? rows[0];
    const gross = first?.gross ?? addMoney(currency, []);
    return {
      model,
      events: first?.events ?? "0",
      gross,
      share: of("share"),
      royalty: of("royalty"),
      earned,
      effective: shareOf(earned, gross),
    };
  });
}

function shareOf(earned: Money, gross: Money): string {
  const whole = nanosOf(gross.amount);
  if (whole === 0n) return "0.000000";
  const parts = (nanosOf(earned.amount) * 1_000_000n) / whole;
  return `${parts / 1_000_000n}.${String(parts % 1_000_000n).padStart(6, "0")}`;
}
