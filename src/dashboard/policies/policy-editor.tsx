import { useState } from "react";
import { useDuties } from "../data/session.ts";
import { addMonths, thisMonth } from "../data/time.ts";
import { useAction } from "../data/use-api.ts";
import { modelPath } from "../models/model-field.tsx";
import { ActionProblem } from "../parts/action-problem.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { CopyButton } from "../parts/copy-button.tsx";
import { Panel } from "../parts/page.tsx";
import { Notice } from "../parts/states.tsx";
import { draftOf, type Steps, stepsOf } from "./draft.ts";
import { PolicyForm } from "./policy-form.tsx";
import { Preview } from "./preview.tsx";

/** Writes a new policy, shows beside it what a month would have been under it, and posts it. */
export function PolicyEditor({ model, steps }: { model: string; steps: Steps | null }) {
  const [draft, setDraft] = useState(() => draftOf(steps));
  const [from, setFrom] = useState(`${addMonths(thisMonth(), 1)}-01T00:00:00Z`);
  const post = useAction("post /v1/models/{owner}/{name}/policies");
  const { makes } = useDuties();
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
            disabled={post.isPending || !makes}
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
        {!makes && <Notice>A policy is posted by a maker.</Notice>}
        <ActionProblem error={post.error} />
        <div role="status">{post.isSuccess && <Notice tone="good">Posted.</Notice>}</div>
        <AsJson steps={drafted} />
      </Panel>
      <Preview model={model} draft={{ policy: { steps: drafted } }} />
    </div>
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
