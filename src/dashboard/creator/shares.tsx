import type { Schema } from "../data/api.ts";
import { useSession } from "../data/session.ts";
import { timeName } from "../data/time.ts";
import { useAction, useApi } from "../data/use-api.ts";
import { ActionProblem } from "../parts/action-problem.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { Notice, Shown, type Tone } from "../parts/states.tsx";
import { usePayee } from "./payee-context.ts";
import { ProposeShares } from "./propose-shares.tsx";

type Proposal = Schema<"ShareProposal">;

const TONES: Record<Proposal["state"], Tone> = {
  open: "warn",
  accepted: "good",
  declined: "bad",
  withdrawn: "plain",
  lapsed: "plain",
};

/** Who shares a model's income, as proposed and answered by those it is about. */
export function Shares() {
  const payee = usePayee();
  const { data: session } = useSession();
  const proposals = useApi("get /v1/share-proposals", { query: { limit: 1000 } });
  const acts = session?.role === "payee" && session.scope === "write";
  return (
    <Page title="Shares">
      {acts && <ProposeShares payee={payee} />}
      <Shown query={proposals} lines={6}>
        {({ data }) => {
          const own = data.filter(({ shares }) => shares.some((share) => share.payee === payee));
          if (own.length === 0)
            return (
              <Panel title="Proposals">
                <p className="empty">
                  Nobody has proposed to share a model's income with you, or you with them.
                </p>
              </Panel>
            );
          return own.map((each) => <OneProposal key={each.id} proposal={each} payee={payee} acts={acts} />);
        }}
      </Shown>
    </Page>
  );
}

function OneProposal({ proposal, payee, acts }: { proposal: Proposal; payee: string; acts: boolean }) {
  const { id, model, state, reason, proposed_by, effective_from, shares } = proposal;
  const accept = useAction("post /v1/share-proposals/{id}/accept");
  const decline = useAction("post /v1/share-proposals/{id}/decline");
  const withdraw = useAction("post /v1/share-proposals/{id}/withdraw");
  const own = shares.find((share) => share.payee === payee);
  const asked = acts && state === "open" && own?.answer === null;
  const path = { id };
  return (
    <Panel
      title={
        <>
          {model} <span className={`tag ${TONES[state]}`}>{state}</span>
        </>
      }
      note={`Proposed by ${proposed_by}, from ${timeName(effective_from)} on`}
    >
      {reason !== null && <Notice>{state === "declined" ? `${reason} declined it.` : reason}</Notice>}
      <ul className="steps">
        {shares.map((share) => (
          <li key={share.payee}>
            <span>
              {share.payee}: weight {share.weight}
            </span>
            <span className="dim">
              {share.answer === null
                ? "not answered yet"
                : `${share.answer}${share.answered_at === null ? "" : ` ${timeName(share.answered_at)}`}`}
            </span>
          </li>
        ))}
      </ul>
      <div className="actions">
        {asked && (
          <ConfirmButton
            label="Accept"
            title={`Share the income of ${model} in this way?`}
            disabled={accept.isPending}
            onConfirm={() => accept.mutate({ path })}
          >
            <p>The last yes makes it the model's policy, from {timeName(effective_from)} on.</p>
          </ConfirmButton>
        )}
        {asked && (
          <ConfirmButton
            danger
            label="Decline"
            title="Decline this proposal?"
            disabled={decline.isPending}
            onConfirm={() => decline.mutate({ path })}
          >
            <p>It comes to nothing for everybody named in it.</p>
          </ConfirmButton>
        )}
        {acts && state === "open" && proposed_by === payee && (
          <button type="button" disabled={withdraw.isPending} onClick={() => withdraw.mutate({ path })}>
            Take it back
          </button>
        )}
      </div>
      <ActionProblem error={accept.error ?? decline.error ?? withdraw.error} />
    </Panel>
  );
}
