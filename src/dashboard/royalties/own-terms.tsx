import type { Schema } from "../data/api.ts";
import { timeName } from "../data/time.ts";
import { useAction, useApi } from "../data/use-api.ts";
import { ActionProblem } from "../parts/action-problem.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { DataTable } from "../parts/data-table.tsx";
import { Panel } from "../parts/page.tsx";
import { Shown, type Tone } from "../parts/states.tsx";
import { royaltyText } from "./royalty-text.ts";

type Terms = Schema<"RoyaltyTerms">;

const TONES: Record<Terms["state"], Tone> = {
  upcoming: "warn",
  in_force: "good",
  replaced: "plain",
  ended: "plain",
  withdrawn: "plain",
};

/** What a payee asks, or asked, of those who make models from its own, and how it is taken back or ended. */
export function OwnTerms({
  payee,
  acts,
  acceptances,
}: {
  payee: string;
  acts: boolean;
  acceptances: readonly Schema<"RoyaltyAcceptance">[];
}) {
  const terms = useApi("get /v1/royalty-terms", { query: { limit: 1000 } });
  const withdraw = useAction("post /v1/royalty-terms/{id}/withdraw");
  const end = useAction("post /v1/royalty-terms/{id}/end");
  const busy = withdraw.isPending || end.isPending;
  const acceptedOf = ({ id }: Terms) => acceptances.filter((each) => each.terms === id).length;
  const action = (row: Terms) => {
    const ended = row.ends_at !== null;
    if (!acts || ended || !(row.state === "in_force" || row.state === "upcoming")) return "–";
    const path = { id: row.id };
    if (acceptedOf(row) === 0)
      return (
        <ConfirmButton
          inRow
          label="Withdraw"
          title={`Take back the offer for ${row.model}?`}
          disabled={busy}
          onConfirm={() => withdraw.mutate({ path })}
        >
          <p>Nobody has accepted it. If it replaced earlier terms, those are in force again.</p>
        </ConfirmButton>
      );
    return (
      <ConfirmButton
        danger
        label="End"
        title={`Ask no royalty of new models made from ${row.model}?`}
        disabled={busy}
        onConfirm={() => end.mutate({ path, body: {} })}
      >
        <p>From now on anybody may use it as a base without a royalty, until you offer other terms.</p>
        <p>Who has accepted these terms keeps them: those royalties go on.</p>
      </ConfirmButton>
    );
  };
  return (
    <Panel
      title="What you ask for your models"
      note="A royalty from everybody who makes a model from yours. Who accepted earlier terms keeps those."
    >
      <ActionProblem error={withdraw.error ?? end.error} />
      <Shown query={terms} lines={4}>
        {({ data }) => (
          <DataTable
            caption="Royalty terms offered"
            columns={[
              {
                key: "model",
                title: "Model",
                lead: true,
                cell: ({ model, state }) => (
                  <>
                    {model} <span className={`tag ${TONES[state]}`}>{state.replace("_", " ")}</span>
                  </>
                ),
              },
              { key: "royalty", title: "Royalty", cell: royaltyText },
              {
                key: "from",
                title: "From",
                cell: ({ effective_from, ends_at, state }) => (
                  <>
                    {timeName(effective_from)}
                    {ends_at !== null && state !== "withdrawn" && ` until ${timeName(ends_at)}`}
                  </>
                ),
              },
              {
                key: "wording",
                title: "Wording",
                cell: ({ wording }) => (
                  <details>
                    <summary>Show</summary>
                    <p className="wording">{wording}</p>
                  </details>
                ),
              },
              { key: "accepted", title: "Accepted", figure: true, cell: (row) => `${acceptedOf(row)} ×` },
              { key: "action", title: "Action", cell: action },
            ]}
            rows={data.filter(({ offered_by }) => offered_by === payee)}
            keyOf={({ id }) => id}
            empty="No terms: others may make models from these without asking, as far as the marketplace allows it."
          />
        )}
      </Shown>
    </Panel>
  );
}
