import type { Schema } from "../data/api.ts";
import { timeName } from "../data/time.ts";
import { DataTable } from "../parts/data-table.tsx";
import { Panel } from "../parts/page.tsx";
import { royaltyText } from "./royalty-text.ts";

type Acceptance = Schema<"RoyaltyAcceptance">;

/** Who accepted which terms for which model, on either side, and whether the model's policy still says so. */
export function Acceptances({ acceptances, payee }: { acceptances: readonly Acceptance[]; payee: string }) {
  return (
    <Panel
      title="What was accepted"
      note="Both sides see the same. It never changes; the hash proves what was agreed on."
    >
      <DataTable
        caption="Accepted royalty terms"
        columns={[
          { key: "model", title: "Model", lead: true, cell: ({ model }) => model },
          {
            key: "made from",
            title: "Made from",
            cell: ({ base_model, offered_by }) =>
              `${base_model} (${offered_by === payee ? "yours" : `of ${offered_by}`})`,
          },
          { key: "royalty", title: "Accepted", cell: royaltyText },
          { key: "now", title: "Now", cell: (row) => <CarriedNow {...row} /> },
          {
            key: "accepted by",
            title: "By",
            cell: ({ payee: by, accepted_as, accepted_at }) =>
              `${by}${accepted_as === "operator" ? " (an operator in its name)" : ""}, ${timeName(accepted_at)}`,
          },
          {
            key: "agreement",
            title: "Agreement",
            cell: ({ wording, hash }) => (
              <details>
                <summary>Show</summary>
                <p className="wording">{wording}</p>
                <p className="dim">
                  SHA-256 <code className="wrap">{hash}</code>
                </p>
              </details>
            ),
          },
        ]}
        rows={acceptances}
        keyOf={({ id }) => id}
        empty="Nobody has accepted terms of yours, nor you of others."
      />
    </Panel>
  );
}

function CarriedNow(accepted: Acceptance) {
  const { registered, carried } = accepted;
  if (!registered) return <span className="tag warn">not registered yet</span>;
  if (carried === null) return <span className="tag bad">nothing: the policy was changed</span>;
  const same = carried.percent === accepted.percent && carried.of === accepted.of;
  return same ? (
    <span className="tag good">as accepted</span>
  ) : (
    <span className="tag bad">{royaltyText(carried)}: the policy was changed</span>
  );
}
