import type { FormEvent } from "react";
import { useAction } from "../data/use-api.ts";
import { ModelField, modelPath } from "../models/model-field.tsx";
import { ActionProblem } from "../parts/action-problem.tsx";
import { Panel } from "../parts/page.tsx";
import { Notice } from "../parts/states.tsx";

/** Offers terms for one of the payee's models. */
export function OfferTerms({ payee }: { payee: string }) {
  const offer = useAction("post /v1/models/{owner}/{name}/royalty-terms");
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name)).trim();
    const from = text("from");
    offer.mutate({
      path: modelPath(text("model")),
      body: {
        percent: text("percent"),
        of: text("of") === "remaining" ? "remaining" : "gross",
        wording: text("wording").replaceAll("\r\n", "\n"),
        ...(from === "" ? {} : { effective_from: `${from}T00:00:00Z` }),
      },
    });
  };
  return (
    <Panel title="Offer new terms" note="For those who come from then on. They replace the terms before.">
      <form className="form" onSubmit={submit}>
        <div className="row-form">
          <ModelField label="Model of yours" name="model" placeholder={`${payee}/model`} />
          <label className="choice">
            <span>Royalty in percent</span>
            <input
              name="percent"
              required
              inputMode="decimal"
              pattern="\d{1,3}(\.\d{1,6})?"
              placeholder="10"
            />
          </label>
          <label className="choice">
            <span>Of</span>
            <select name="of">
              <option value="gross">gross: what customers owe</option>
              <option value="remaining">what remains after fees</option>
            </select>
          </label>
          <label className="choice">
            <span>From (UTC); now, if empty</span>
            <input name="from" type="date" />
          </label>
        </div>
        <label className="choice">
          <span>Wording that they accept</span>
          <textarea name="wording" required maxLength={10_000} rows={3} />
        </label>
        <div className="actions">
          <button type="submit" className="primary" disabled={offer.isPending}>
            Offer
          </button>
        </div>
      </form>
      <ActionProblem error={offer.error} />
      <div role="status">{offer.isSuccess && <Notice tone="good">Offered.</Notice>}</div>
    </Panel>
  );
}
