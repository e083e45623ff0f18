import { type FormEvent, useState } from "react";
import type { Answer, Input } from "../data/api.ts";
import { useDuties } from "../data/session.ts";
import { useAction } from "../data/use-api.ts";
import { ActionProblem } from "../parts/action-problem.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Panel } from "../parts/page.tsx";
import { Notice } from "../parts/states.tsx";
import { RefundSteps, StepList } from "./refund-steps.tsx";

const OPERATION = "post /v1/refunds";
type Asked = Input<typeof OPERATION>["body"];
type Preview = Answer<typeof OPERATION>;

/** Refunds an invoice, or a part of it: what it would do is shown first, to everybody's balance and at Stripe. */
export function MakeRefund() {
  const preview = useAction(OPERATION, { onlyLooks: true });
  const make = useAction(OPERATION);
  const { makes } = useDuties();
  const [asked, setAsked] = useState<Asked | null>(null);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const body = askedIn(new FormData(event.currentTarget));
    setAsked(body);
    make.reset();
    preview.mutate({ query: { dry_run: "true" }, body });
  };
  const changed = () => {
    setAsked(null);
    preview.reset();
  };
  const shown =
    asked === null || preview.data === undefined || make.isSuccess ? null : { asked, preview: preview.data };
  return (
    <Panel
      title="Refund an invoice"
      note="Every party gives back its part. Lines and single predictions are refunded over the API."
    >
      <form className="form" onSubmit={submit} onChange={changed}>
        <div className="row-form">
          <label className="choice grow">
            <span>Invoice</span>
            <input name="invoice" required maxLength={200} placeholder="inv_2026-01_acme_USD" />
          </label>
          <label className="choice">
            <span>Amount; all that is left, if empty</span>
            <input name="amount" inputMode="decimal" pattern="\d+(\.\d+)?" placeholder="12.34" />
          </label>
          <label className="choice grow">
            <span>Reason, shown to the payees</span>
            <input name="reason" required maxLength={500} />
          </label>
        </div>
        <label className="check">
          <input name="at_provider" type="checkbox" defaultChecked />
          <span>Have it made at Stripe too</span>
        </label>
        {!makes && <Notice>A refund is made by a maker.</Notice>}
        <div className="actions">
          <button type="submit" disabled={preview.isPending || !makes}>
            Show what it would do
          </button>
        </div>
      </form>
      <ActionProblem error={preview.error ?? make.error} />
      <div role="status" className="stack">
        {shown !== null && <WouldDo preview={shown.preview} asked={shown.asked} />}
      </div>
      {shown !== null && (
        <div className="actions">
          <ConfirmButton
            danger
            label="Refund"
            title={`Refund ${shown.preview.refunded} of ${shown.preview.invoice}?`}
            disabled={make.isPending || !makes}
            onConfirm={() => make.mutate({ body: shown.asked })}
          >
            <p>Payees' balances change at once{shown.asked.at_provider ? ", and Stripe is asked" : ""}.</p>
          </ConfirmButton>
        </div>
      )}
      <div role="status" className="later stack">
        {make.data?.id != null && (
          <>
            <Notice tone="good">
              Refunded: <code>{make.data.id}</code>
            </Notice>
            {asked?.at_provider && <RefundSteps id={make.data.id} />}
          </>
        )}
      </div>
    </Panel>
  );
}

function WouldDo({ preview, asked }: { preview: Preview; asked: Asked }) {
  return (
    <>
      <ul className="steps account-steps">
        {preview.parties.map(({ payee, amount }) => (
          <li key={payee ?? ""}>
            <span>{payee ?? "The platform, and what customers owe"}</span>
            <MoneyView value={amount} signed />
          </li>
        ))}
      </ul>
      {asked.at_provider && <StepList steps={preview.at_provider} planned />}
      {preview.at_provider_note !== null && <Notice tone="warn">{preview.at_provider_note}</Notice>}
    </>
  );
}

/** The reference makes it one refund, also when it is asked for twice. */
function askedIn(form: FormData): Asked {
  const text = (name: string) => String(form.get(name) ?? "").trim();
  const amount = text("amount");
  return {
    invoice: text("invoice"),
    ...(amount === "" ? {} : { amount }),
    reason: text("reason"),
    at_provider: form.get("at_provider") !== null,
    reference: `dashboard:${crypto.randomUUID()}`,
  };
}
