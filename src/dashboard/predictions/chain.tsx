import { Link } from "wouter";
import type { Schema } from "../data/api.ts";
import { isZero } from "../data/money.ts";
import { timeName } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { DataTable } from "../parts/data-table.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Panel } from "../parts/page.tsx";
import { Notice, Shown } from "../parts/states.tsx";

type Step = Schema<"ChainStep">;

/** What a prediction was called by and what it called, each step with its time and cost, as far as who looks may see. */
export function Chain({ id, source }: { id: string; source: string | undefined }) {
  const chain = useApi("get /v1/predictions/{id}/chain", { path: { id }, query: { source } });
  return (
    <Panel title="Chain" note="What called it, and what it called: the steps that you may see.">
      <Shown query={chain} lines={3}>
        {({ steps, totals, missing_parent, truncated }) => {
          if (steps.length === 1 && missing_parent === null)
            return (
              <p className="empty">It was called by no other prediction that you may see, and called none.</p>
            );
          return (
            <>
              {missing_parent !== null && (
                <Notice>
                  The first step names a caller that is not known here: <code>{missing_parent}</code>
                </Notice>
              )}
              {truncated && (
                <Notice tone="warn">There are more steps: open one further down for the rest.</Notice>
              )}
              <Steps steps={steps} here={id} />
              <ul className="steps account-steps">
                {totals.map(({ currency, steps: counted, gross, earned, paid }) => (
                  <li key={currency} className="total">
                    <span>
                      {counted} {counted === 1 ? "step" : "steps"} in {currency}
                      {earned !== null && (
                        <>
                          , earned <MoneyView value={earned} bare />
                        </>
                      )}
                      {earned !== null && paid !== null && !isZero(paid) && (
                        <>
                          , paid out of your earnings <MoneyView value={paid} bare />
                        </>
                      )}
                    </span>
                    <MoneyView value={gross} />
                  </li>
                ))}
              </ul>
            </>
          );
        }}
      </Shown>
    </Panel>
  );
}

/** An app pays what it calls out of its owner's earnings, as a customer that is linked to it. */
function paidBy({ payer: { customer, payee, is_you } }: Step) {
  if (customer === null) return "not shown";
  return is_you && payee !== null ? `you, as ${customer}` : customer;
}

function Steps({ steps, here }: { steps: readonly Step[]; here: string }) {
  const top = Math.min(...steps.map(({ depth }) => depth));
  return (
    <DataTable
      caption="Steps of the chain"
      columns={[
        {
          key: "step",
          title: "Prediction",
          lead: true,
          cell: ({ id, source, depth }) => (
            <>
              <span className="dim">{"↳ ".repeat(Math.min(depth - top, 8))}</span>
              {id === here ? (
                <strong>{id}</strong>
              ) : (
                <Link href={`/predictions/${encodeURIComponent(id)}?source=${encodeURIComponent(source)}`}>
                  {id}
                </Link>
              )}
            </>
          ),
        },
        { key: "model", title: "Model", cell: ({ model }) => model },
        { key: "status", title: "Status", cell: ({ status }) => status },
        { key: "time", title: "Time", cell: ({ occurred_at }) => timeName(occurred_at) },
        {
          key: "took",
          title: "Took",
          figure: true,
          cell: ({ predict_seconds }) => (predict_seconds === null ? "–" : `${predict_seconds} s`),
        },
        { key: "payer", title: "Paid by", cell: paidBy },
        {
          key: "gross",
          title: "Gross",
          figure: true,
          cell: ({ gross }) => (gross === null ? "–" : <MoneyView value={gross} />),
        },
      ]}
      rows={steps}
      keyOf={({ source, id }) => `${source} ${id}`}
      empty=""
    />
  );
}
