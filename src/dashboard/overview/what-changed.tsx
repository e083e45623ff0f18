import { memo } from "react";
import { usePayee } from "../creator/payee-context.ts";
import { isZero } from "../data/money.ts";
import { count, monthName, monthRange } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { DataTable } from "../parts/data-table.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Panel } from "../parts/page.tsx";
import { Shown } from "../parts/states.tsx";
import { Term } from "../parts/term.tsx";

const MODELS_SHOWN = 5;

/** The month against the one before: how much, which models, and whether usage, prices or shares did it. */
export const WhatChanged = memo(function WhatChanged({
  month,
  currency,
}: {
  month: string;
  currency: string;
}) {
  const payee = usePayee();
  const query = { ...monthRange(month), currency };
  const changes = useApi("get /v1/payees/{id}/earnings/changes", { path: { id: payee }, query });
  return (
    <Panel
      title="What changed, and why"
      note={`${monthName(month)} against the month before, in ${currency}`}
    >
      <Shown query={changes} lines={8}>
        {({ difference, before, now, because, data }) => (
          <>
            <p className="big">
              <MoneyView value={difference} signed />{" "}
              <span className="dim">
                from <MoneyView value={before} bare /> to <MoneyView value={now} bare />
              </span>
            </p>
            <dl className="facts">
              {(["usage", "price", "share", "corrections"] as const).map((cause) => (
                <div key={cause}>
                  <dt>
                    <Term name={`${cause}_effect`} />
                  </dt>
                  <dd>
                    {isZero(because[cause]) ? "no change" : <MoneyView value={because[cause]} signed bare />}
                  </dd>
                </div>
              ))}
            </dl>
            <DataTable
              caption="The largest changes by model"
              columns={[
                {
                  key: "model",
                  title: "Model",
                  lead: true,
                  cell: ({ model, reason }) => (
                    <>
                      {model === "" ? "no model: a correction" : model}{" "}
                      {reason !== "share" && <span className="tag">{reason}</span>}
                    </>
                  ),
                },
                {
                  key: "predictions",
                  title: "Predictions",
                  figure: true,
                  cell: ({ events }) => `${count(events.before)} → ${count(events.now)}`,
                },
                {
                  key: "change",
                  title: "Change",
                  figure: true,
                  cell: (row) => <MoneyView value={row.difference} signed bare />,
                },
              ]}
              rows={data.slice(0, MODELS_SHOWN)}
              keyOf={({ model, reason }) => `${model} ${reason}`}
              empty="Nothing changed: no earnings in either month."
            />
          </>
        )}
      </Shown>
    </Panel>
  );
});
