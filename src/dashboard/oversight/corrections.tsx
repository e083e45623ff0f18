import type { Answer } from "../data/api.ts";
import { useDuties } from "../data/session.ts";
import { dayName, timeName } from "../data/time.ts";
import { useAction, useApi } from "../data/use-api.ts";
import { WithdrawButton } from "../overlays/withdraw-button.tsx";
import { ActionProblem } from "../parts/action-problem.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { DataTable } from "../parts/data-table.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Panel } from "../parts/page.tsx";
import { Notice, Shown } from "../parts/states.tsx";
import { Person } from "./person.tsx";

type Correction = Answer<"get /v1/corrections">["data"][number];

/** What was corrected by hand, and what waits for somebody else's approval. */
export function Corrections({ most }: { most: number }) {
  const corrections = useApi("get /v1/corrections", { query: { limit: most } });
  const approve = useAction("post /v1/corrections/{id}/approve");
  const withdraw = useAction("post /v1/corrections/{id}/withdraw");
  const { makes, approves } = useDuties();
  const busy = approve.isPending || withdraw.isPending;
  const actions = (correction: Correction) => {
    const path = { id: correction.id };
    const what = `${correction.kind.replaceAll("_", " ")} of ${aboutOf(correction)}`;
    return (
      <div className="actions">
        <ConfirmButton
          inRow
          label="Approve"
          title={`Approve this ${what}?`}
          disabled={busy || !approves}
          onConfirm={() => approve.mutate({ path })}
        >
          <p>
            It moves <MoneyView value={correction.amount} />: {correction.reason}. It is booked at once.
          </p>
        </ConfirmButton>
        <WithdrawButton
          inRow
          title={`Withdraw this ${what}?`}
          disabled={busy || !(makes || approves)}
          onConfirm={(reason) => withdraw.mutate({ path, body: { reason } })}
        >
          <p>It is never booked then. The same can be proposed again under another reference.</p>
        </WithdrawButton>
      </div>
    );
  };
  return (
    <Panel
      title="Corrections"
      note={`The latest ${most}. What moves more than the limit is approved by somebody else.`}
    >
      {!approves && <Notice>A correction that waits is approved by an approver.</Notice>}
      <Shown query={corrections} lines={3}>
        {({ data }) => (
          <DataTable
            caption="Corrections"
            columns={[
              { key: "id", title: "Id", lead: true, cell: ({ id }) => <code>{id}</code> },
              {
                key: "kind",
                title: "Kind",
                cell: (row) => `${row.kind.replaceAll("_", " ")} of ${aboutOf(row)}`,
              },
              {
                key: "state",
                title: "State",
                cell: ({ state }) => (
                  <span className={`tag ${state === "booked" ? "good" : "warn"}`}>
                    {state.replaceAll("_", " ")}
                  </span>
                ),
              },
              {
                key: "by",
                title: "By",
                cell: ({ proposed_by, approved_by, withdrawn_by, withdrawn_reason }) => (
                  <>
                    <Person id={proposed_by} />
                    {approved_by !== null && (
                      <>
                        , approved by <Person id={approved_by} />
                      </>
                    )}
                    {withdrawn_by !== null && (
                      <>
                        , withdrawn by <Person id={withdrawn_by} />: {withdrawn_reason}
                      </>
                    )}
                  </>
                ),
              },
              { key: "proposed", title: "Proposed", cell: ({ proposed_at }) => timeName(proposed_at) },
              { key: "reason", title: "Reason", cell: (row) => `${row.reason}${bankOf(row)}` },
              {
                key: "amount",
                title: "Amount",
                figure: true,
                cell: ({ amount }) => <MoneyView value={amount} />,
              },
              {
                key: "decide",
                title: "To decide",
                cell: (row) => (row.state === "needs_approval" ? actions(row) : "–"),
              },
            ]}
            rows={data}
            keyOf={({ id }) => id}
            empty="Nothing was corrected."
          />
        )}
      </Shown>
      <ActionProblem error={approve.error ?? withdraw.error} />
    </Panel>
  );
}

/** Whom, or what, it is of. */
function aboutOf({ asked }: Correction): string {
  return String(asked.customer ?? asked.payee ?? asked.model ?? asked.credit ?? "");
}

/** Of money that passed elsewhere: when, and the bank's name for it. */
function bankOf({ asked }: Correction): string {
  return asked.paid_at === undefined ? "" : ` (${dayName(String(asked.paid_at))}, ${asked.reference})`;
}
