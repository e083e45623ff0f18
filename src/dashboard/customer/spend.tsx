import { useState } from "react";
import type { Money, Schema } from "../data/api.ts";
import { approximately, isNegative, nanosOf } from "../data/money.ts";
import { addMonths, count, monthName, thisMonth } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { DataTable } from "../parts/data-table.tsx";
import { Fact } from "../parts/fact.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { Notice, Shown } from "../parts/states.tsx";
import { useCustomer } from "./customer-context.ts";

/** What a customer has used, live, and what is left of its limits and credits. */
export function Spend() {
  const id = useCustomer();
  const [chosen, setChosen] = useState<string | null>(null);
  const months = useApi("get /v1/customers/{id}/spend", { path: { id }, query: { group_by: "month" } });
  const used = [...new Set(months.data?.data.map(({ month }) => month ?? "") ?? [])].sort().reverse();
  const month = chosen ?? used[0] ?? thisMonth();
  return (
    <Page title="Spend" asOf={months.data?.as_of}>
      <Shown query={months} lines={6}>
        {({ standings, accounts, data }) => (
          <>
            {standings.map((standing) => (
              <Standing key={standing.currency} standing={standing} />
            ))}
            {accounts
              .filter(({ on_account }) => nanosOf(on_account.amount) > 0n)
              .map(({ currency, on_account }) => (
                <Notice key={currency}>
                  <MoneyView value={on_account} /> is on your account, from refunds and corrections: ask the
                  marketplace how you want it.
                </Notice>
              ))}
            <Panel title="By month" note="By when it was used (UTC). Credits are not taken off here.">
              <DataTable
                caption="Spend by month"
                columns={[
                  {
                    key: "month",
                    title: "Month",
                    lead: true,
                    sort: (row) => row.month ?? "",
                    cell: (row) => (
                      <button type="button" className="link" onClick={() => setChosen(row.month ?? null)}>
                        {monthName(row.month ?? "")}
                      </button>
                    ),
                  },
                  {
                    key: "predictions",
                    title: "Predictions",
                    figure: true,
                    sort: (row) => BigInt(row.events),
                    cell: (row) => count(row.events),
                  },
                  {
                    key: "spent",
                    title: "Spent",
                    figure: true,
                    sort: (row) => nanosOf(row.gross),
                    cell: ({ currency, gross }) => <MoneyView value={{ currency, amount: gross }} />,
                  },
                ]}
                sortBy="month"
                rows={data}
                keyOf={(row) => `${row.month} ${row.currency}`}
                empty="Nothing was used yet."
              />
            </Panel>
          </>
        )}
      </Shown>
      <Models id={id} month={month} />
    </Page>
  );
}

function Models({ id, month }: { id: string; month: string }) {
  const models = useApi("get /v1/customers/{id}/spend", {
    path: { id },
    query: { from: month, to: addMonths(month, 1), group_by: "model" },
  });
  return (
    <Panel title={`Models in ${monthName(month)}`} note="Choose another month above.">
      <Shown query={models} lines={6}>
        {({ data }) => (
          <DataTable
            caption="Spend by model"
            columns={[
              {
                key: "model",
                title: "Model",
                lead: true,
                sort: (row) => row.model ?? "",
                cell: (row) => row.model,
              },
              {
                key: "predictions",
                title: "Predictions",
                figure: true,
                sort: (row) => BigInt(row.events),
                cell: (row) => count(row.events),
              },
              {
                key: "spent",
                title: "Spent",
                figure: true,
                sort: (row) => nanosOf(row.gross),
                cell: ({ currency, gross }) => <MoneyView value={{ currency, amount: gross }} />,
              },
            ]}
            sortBy="spent"
            rows={data}
            keyOf={(row) => `${row.model} ${row.currency}`}
            empty="Nothing was used in this month."
          />
        )}
      </Shown>
    </Panel>
  );
}

/** How far a customer is from its limits, and what is left of its credits. */
function Standing({ standing }: { standing: Schema<"SpendStanding"> }) {
  const { currency, limits, spent, reserved, limit_left, credits } = standing;
  const { soft, hard, prepaid } = limits;
  const over = (limit: { amount: string } | null) =>
    limit !== null && nanosOf(spent) >= nanosOf(limit.amount);
  return (
    <Panel
      title={`Limits and credits in ${currency}`}
      note={
        limits.period === "month"
          ? "The limits are of each calendar month (UTC)."
          : "The limits are for all time."
      }
    >
      <dl className="facts">
        <Fact title="Spent">
          <MoneyView value={{ currency, amount: spent }} />
          {hard !== null && <Against spent={spent} limit={hard.amount} reached={over(hard)} />}
        </Fact>
        <Fact title="Reserved for what runs">
          <MoneyView value={reserved} />
        </Fact>
        <Fact title="Warning at">{soft === null ? "none" : <MoneyView value={soft} />}</Fact>
        <Fact title="Limit">{hard === null ? "none" : <MoneyView value={hard} />}</Fact>
        <Fact title="Left to the limit">
          {limit_left === null ? "no limit" : <Left value={limit_left} beyond="beyond it" />}
        </Fact>
        <Fact title="Credits left">
          <Left value={credits.left} beyond="used or reserved beyond them" />
        </Fact>
      </dl>
      {over(hard) ? (
        <Notice tone="bad">
          The limit is reached: nothing more is authorized. Ask the marketplace to raise it.
        </Notice>
      ) : (
        over(soft) && <Notice tone="warn">The warning that was set is reached.</Notice>
      )}
      {prepaid && <Notice>Only what credits cover is authorized.</Notice>}
    </Panel>
  );
}

/** What is left of something, which is never less than nothing, and what went beyond it. */
function Left({ value, beyond }: { value: Money; beyond: string }) {
  const { currency, amount } = value;
  if (!isNegative(value)) return <MoneyView value={value} />;
  return (
    <>
      <MoneyView value={{ currency, amount: "0" }} />
      <span className="dim beyond">
        <MoneyView value={{ currency, amount: amount.slice(1) }} /> {beyond}
      </span>
    </>
  );
}

/** How much of a limit is spent, in words and as a bar: full, and red, once it is reached. */
function Against({ spent, limit, reached }: { spent: string; limit: string; reached: boolean }) {
  const share = approximately(limit) === 0 ? null : approximately(spent) / approximately(limit);
  const words = share === null ? "Nothing may be spent" : `${Math.floor(share * 100)} % of the limit`;
  // Browsers paint a value above `high` red where the best one is below `low`.
  const tone = reached ? { optimum: 0, low: 0.25, high: 0.5 } : {};
  return (
    <>
      <meter min={0} max={1} {...tone} value={reached ? 1 : (share ?? 0)} aria-label={words} />
      <span className="dim beyond">{words}</span>
    </>
  );
}
