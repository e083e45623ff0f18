import { type FormEvent, useState } from "react";
import { useAction } from "../data/use-api.ts";
import { ModelField, modelPath } from "../models/model-field.tsx";
import { ActionProblem } from "../parts/action-problem.tsx";
import { Panel } from "../parts/page.tsx";
import { Notice } from "../parts/states.tsx";
import { placed } from "../policies/draft.ts";
import { ShareList } from "../policies/share-list.tsx";

/** Proposes how a model's income is shared from a day on: its owner, and whoever is named with a weight. */
export function ProposeShares({ payee }: { payee: string }) {
  const propose = useAction("post /v1/models/{owner}/{name}/share-proposals");
  const [shares, setShares] = useState(() => [placed({ payee, weight: 1 })]);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    propose.mutate({
      path: modelPath(String(form.get("model")).trim()),
      body: {
        effective_from: `${String(form.get("from"))}T00:00:00Z`,
        shares: shares.map(({ value }) => value),
      },
    });
  };
  return (
    <Panel title="A new proposal" note="It becomes the model's policy once everybody named has accepted.">
      <form className="form" onSubmit={submit}>
        <div className="row-form">
          <ModelField label="Model of yours" name="model" placeholder={`${payee}/model`} />
          <label className="choice">
            <span>From (UTC)</span>
            <input name="from" type="date" required />
          </label>
        </div>
        <ShareList shares={shares} onChange={setShares} hint="its id" />
        <div className="actions">
          <button type="submit" className="primary" disabled={propose.isPending}>
            Propose
          </button>
        </div>
      </form>
      <ActionProblem error={propose.error} />
      <div role="status">
        {propose.isSuccess && <Notice tone="good">Proposed: the others are told.</Notice>}
      </div>
    </Panel>
  );
}
