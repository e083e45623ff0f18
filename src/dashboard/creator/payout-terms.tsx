import { type FormEvent, useState } from "react";
import type { Answer } from "../data/api.ts";
import { dayName } from "../data/time.ts";
import { useAction, useApi } from "../data/use-api.ts";
import { ActionProblem } from "../parts/action-problem.tsx";
import { Fact } from "../parts/fact.tsx";
import { Panel } from "../parts/page.tsx";
import { Notice, Shown } from "../parts/states.tsx";
import { usePayee } from "./payee-context.ts";

type Terms = Answer<"get /v1/payees/{id}/payout-terms">;

const SCHEDULES: Record<Terms["schedule"], string> = {
  monthly: "every month",
  quarterly: "every quarter",
  manual: "only by hand",
};

/** How often and in which currency a payee is paid: what it may choose itself, and what it may not. */
export function PayoutTerms() {
  const id = usePayee();
  const terms = useApi("get /v1/payees/{id}/payout-terms", { path: { id } });
  return (
    <Panel title="Payout terms" note="A choice holds from the next settlement plan on.">
      <Shown query={terms} lines={4}>
        {(shown) => (
          <>
            <dl className="facts">
              <Fact title="Paid">{SCHEDULES[shown.schedule]}</Fact>
              <Fact title="In">{shown.payout_currency ?? "each currency as earned"}</Fact>
              <Fact title="Hold after a month is closed">
                {shown.hold_days === 0 ? "none" : `${shown.hold_days} days`}
              </Fact>
              <Fact title="Tax form">{formOf(shown.tax_form)}</Fact>
            </dl>
            <Choice key={`${shown.schedule} ${shown.payout_currency}`} payee={id} terms={shown} />
          </>
        )}
      </Shown>
    </Panel>
  );
}

function Choice({ payee, terms }: { payee: string; terms: Terms }) {
  const [saved, setSaved] = useState(false);
  const choose = useAction("put /v1/payees/{id}/payout-choice", { done: () => setSaved(true) });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const currency = String(form.get("currency") ?? "")
      .trim()
      .toUpperCase();
    const schedule = String(form.get("schedule")) as Terms["schedule"];
    setSaved(false);
    choose.mutate({
      path: { id: payee },
      body: { schedule, currency: currency === "" ? null : currency },
    });
  };
  return (
    <form className="row-form" onSubmit={submit}>
      <label className="choice">
        <span>How often</span>
        <select name="schedule" defaultValue={terms.schedule}>
          {Object.entries(SCHEDULES).map(([name, words]) => (
            <option key={name} value={name}>
              {words}
            </option>
          ))}
        </select>
      </label>
      <label className="choice">
        <span>Converted into (empty: as earned)</span>
        <input
          name="currency"
          defaultValue={terms.payout_currency ?? ""}
          maxLength={3}
          pattern="[A-Za-z]{3}"
          title="A currency's three letters, such as EUR"
          autoComplete="off"
        />
      </label>
      <button type="submit" disabled={choose.isPending}>
        Save
      </button>
      <ActionProblem error={choose.error} />
      <div role="status">{saved && <Notice tone="good">Saved.</Notice>}</div>
    </form>
  );
}

function formOf(form: Terms["tax_form"]): string {
  if (form === null) return "none on record";
  const until = typeof form.valid_until === "string" ? `, valid until ${dayName(form.valid_until)}` : "";
  return `${form.form} ${form.status}${until}`;
}
