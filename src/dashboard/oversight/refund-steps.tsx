import type { Schema } from "../data/api.ts";
import { useDuties } from "../data/session.ts";
import { useAction, useApi } from "../data/use-api.ts";
import { ActionProblem } from "../parts/action-problem.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Notice, Shown, type Tone } from "../parts/states.tsx";

type Step = Schema<"Refund">["at_provider"][number];

const TONES: Record<Step["state"], Tone> = {
  waiting: "warn",
  sending: "warn",
  unknown: "warn",
  made: "good",
  failed: "bad",
};

/** Whose turn it is. */
const TURNS: Record<Step["state"], string> = {
  waiting: "Next: Tributary asks Stripe, within seconds, once the invoice is there. Nothing to do for you.",
  sending: "Next: Stripe answers. Nothing to do for you.",
  unknown: "Stripe's answer was lost. Tributary looks for it by itself. Nothing to do for you.",
  made: "Done.",
  failed: "Your turn: mend what is said here, then send it again; or pay it back by other means.",
};

/** What of a refund is made at Stripe, how far each part is, and whose turn it is. */
export function RefundSteps({ id }: { id: string }) {
  const refund = useApi("get /v1/refunds/{id}", { path: { id } }, { everyMs: 5_000 });
  const send = useAction("post /v1/refunds/{id}/send");
  const { makes } = useDuties();
  return (
    <Shown query={refund} lines={2}>
      {({ at_provider, at_provider_note }) => (
        <>
          <StepList steps={at_provider} />
          {at_provider_note !== null && <Notice tone="warn">{at_provider_note}</Notice>}
          {at_provider.some(({ state }) => state === "failed") && (
            <button
              type="button"
              disabled={send.isPending || !makes}
              title={makes ? undefined : "A maker sends it again."}
              onClick={() => send.mutate({ path: { id } })}
            >
              Send again
            </button>
          )}
          <ActionProblem error={send.error} />
        </>
      )}
    </Shown>
  );
}

/** The steps as they stand, or, before the refund is made, as they would be. */
export function StepList({ steps, planned = false }: { steps: readonly Step[]; planned?: boolean }) {
  if (steps.length === 0)
    return (
      <p className="dim">
        {planned ? "Nothing would be made at Stripe" : "Nothing of it is made at Stripe"}: it stays on the
        customer's account, or is paid back by other means.
      </p>
    );
  return (
    <ul className="steps">
      {steps.map(({ means, amount, state, provider_id, reason }) => (
        <li key={means}>
          <span>
            {means === "credit_note"
              ? "Credit note: the invoice asks for less"
              : "Refund: money goes back to the customer"}{" "}
            {!planned && <span className={`tag ${TONES[state]}`}>{state}</span>}
            {reason !== null && <Notice tone="bad">{reason}</Notice>}
            {!planned && <span className="why-line dim">{TURNS[state]}</span>}
            {provider_id !== null && <code className="wrap">{provider_id}</code>}
          </span>
          <MoneyView value={amount} />
        </li>
      ))}
    </ul>
  );
}
