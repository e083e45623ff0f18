import { type FormEvent, useState } from "react";
import { addMonths, thisMonth } from "../data/time.ts";
import { useAction, useApi } from "../data/use-api.ts";
import { modelPath } from "../models/model-field.tsx";
import { ActionProblem } from "../parts/action-problem.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { CopyButton } from "../parts/copy-button.tsx";
import { Panel } from "../parts/page.tsx";
import { Notice } from "../parts/states.tsx";
import { draftOf, type Steps, stepsOf } from "./draft.ts";
import { PolicyForm } from "./policy-form.tsx";
import { PreviewTable } from "./preview-table.tsx";

/** Writes a new policy, shows beside it what a month would have been under it, and posts it. */
export function PolicyEditor({ model, steps }: { model: string; steps: Steps | null }) {
  const [draft, setDraft] = useState(() => draftOf(steps));
  const [from, setFrom] = useState(`${addMonths(thisMonth(), 1)}-01T00:00:00Z`);
  const post = useAction("post /v1/models/{owner}/{name}/policies");
  const drafted = stepsOf(draft);
  return (
    <div className="two">
      <Panel title="A new policy" note="Each step takes of what the ones before it left.">
        <PolicyForm draft={draft} onChange={setDraft} />
        <div className="row-form">
          <label className="choice">
            <span>In force from (UTC)</span>
            <input value={from} onChange={(event) => setFrom(event.target.value.trim())} size={21} />
          </label>
          <ConfirmButton
            label="Post the policy"
            title={`A new policy for ${model}?`}
            disabled={post.isPending}
            onConfirm={() =>
              post.mutate({ path: modelPath(model), body: { effective_from: from, steps: drafted } })
            }
          >
            <p>
              From {from} on its usage is split by it. A version that was posted cannot be changed, only
              followed by another.
            </p>
          </ConfirmButton>
        </div>
        <ActionProblem error={post.error} />
        <div role="status">{post.isSuccess && <Notice tone="good">Posted.</Notice>}</div>
        <AsJson steps={drafted} />
      </Panel>
      <Preview model={model} steps={drafted} />
    </div>
  );
}

/** What a month's usage would have brought under the draft; asked for by hand, since it may read many events. */
function Preview({ model, steps }: { model: string; steps: Steps }) {
  const settlements = useApi("get /v1/settlements", { query: { limit: 1 } });
  const [chosen, setChosen] = useState<string | null>(null);
  const [shown, setShown] = useState("");
  const preview = useAction("post /v1/policies/preview", { onlyLooks: true });
  const period = chosen ?? settlements.data?.data[0]?.period ?? addMonths(thisMonth(), -1);
  const asked = JSON.stringify({ period, steps });
  const look = (event: FormEvent) => {
    event.preventDefault();
    setShown(asked);
    preview.mutate({ body: { model, period, policy: { steps } } });
  };
  return (
    <Panel title="Preview" note="The draft, tried on a month's usage: that changes nothing.">
      <form className="row-form" onSubmit={look}>
        <label className="choice">
          <span>Month</span>
          <input
            type="month"
            value={period}
            required
            pattern="\d{4}-\d{2}"
            onChange={(event) => setChosen(event.target.value)}
          />
        </label>
        <button type="submit" disabled={preview.isPending}>
          {preview.isPending ? "Trying…" : "Preview"}
        </button>
      </form>
      <ActionProblem error={preview.error} />
      <div role="status">
        {preview.data !== undefined && shown !== asked && (
          <Notice tone="warn">The draft is another one now: this is what it was before.</Notice>
        )}
      </div>
      {preview.data === undefined ? (
        <p className="empty">Nothing was tried yet.</p>
      ) : (
        <PreviewTable preview={preview.data} />
      )}
    </Panel>
  );
}

function AsJson({ steps }: { steps: Steps }) {
  const text = JSON.stringify(steps, null, 2);
  return (
    <details>
      <summary>The same as JSON, for the API</summary>
      <pre className="payload">{text}</pre>
      <CopyButton text={text} />
    </details>
  );
}
