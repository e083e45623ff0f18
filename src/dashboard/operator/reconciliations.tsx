import { useDuties } from "../data/session.ts";
import { count, timeName } from "../data/time.ts";
import { useAction, useApi } from "../data/use-api.ts";
import { ActionProblem } from "../parts/action-problem.tsx";
import { DataTable } from "../parts/data-table.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Panel } from "../parts/page.tsx";
import { Notice, Shown } from "../parts/states.tsx";

/** What comparisons of our payouts with Stripe's record found. */
export function Reconciliations({ period }: { period: string }) {
  const path = { period };
  const found = useApi("get /v1/settlements/{period}/reconciliations", { path });
  const reconcile = useAction("post /v1/settlements/{period}/reconcile");
  const { makes } = useDuties();
  return (
    <Panel
      title="Reconcile"
      note="Stripe's record against ours, both ways. It corrects nothing."
      actions={
        <button
          type="button"
          disabled={reconcile.isPending || !makes}
          title={makes ? undefined : "A maker compares."}
          onClick={() => reconcile.mutate({ path })}
        >
          {reconcile.isPending ? "Comparing…" : "Compare now"}
        </button>
      }
    >
      <ActionProblem error={reconcile.error} />
      <Shown query={found} lines={4}>
        {({ data: [last] }) => {
          if (last === undefined)
            return <p className="empty">This month was not compared with Stripe yet.</p>;
          const { compared } = last;
          return (
            <>
              <p>
                {timeName(last.at)} by {last.by}: {count(compared.payouts)} payouts,{" "}
                {count(compared.transfers)} transfers and {count(compared.movements)} movements compared.
              </p>
              {last.differences.length === 0 ? (
                <Notice tone="good">No difference.</Notice>
              ) : (
                <DataTable
                  caption="Differences"
                  columns={[
                    {
                      key: "cause",
                      title: "What and why",
                      lead: true,
                      cell: ({ kind, cause }) => `${kind.replaceAll("_", " ")}: ${cause}`,
                    },
                    { key: "payee", title: "Payee", cell: ({ payee }) => payee ?? "–" },
                    {
                      key: "reference",
                      title: "Reference",
                      cell: ({ reference, payout }) => <code>{reference ?? payout}</code>,
                    },
                    {
                      key: "ours",
                      title: "Ours",
                      figure: true,
                      cell: ({ ours }) => <MoneyView value={ours} />,
                    },
                    {
                      key: "theirs",
                      title: "Stripe's",
                      figure: true,
                      cell: ({ theirs }) => <MoneyView value={theirs} />,
                    },
                    {
                      key: "difference",
                      title: "Difference",
                      figure: true,
                      cell: ({ difference }) => <MoneyView value={difference} signed />,
                    },
                  ]}
                  rows={last.differences}
                  keyOf={({ kind, payout, reference }) => `${kind} ${payout} ${reference}`}
                  empty=""
                />
              )}
            </>
          );
        }}
      </Shown>
    </Panel>
  );
}
