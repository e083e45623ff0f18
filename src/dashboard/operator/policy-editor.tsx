import { useState } from "react";
import type { Schema } from "../data/api.ts";
import { addMonths, thisMonth } from "../data/time.ts";
import { useAction, useApi } from "../data/use-api.ts";
import { ActionProblem } from "../parts/action-problem.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { DataTable } from "../parts/data-table.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Panel } from "../parts/page.tsx";
import { Notice } from "../parts/states.tsx";

type Steps = Schema<"Model">["policies"][number]["steps"];

const START: Steps = [
  { take: "platform", percent: "20", of: "gross" },
  { take: "shares", shares: [{ payee: "$owner", weight: 1 }] },
];

/** Writes a new policy, shows what a month would have been under it, and posts it. */
export function PolicyEditor({ model, steps }: { model: string; steps: Steps | null }) {
  const [text, setText] = useState(() => JSON.stringify(steps ?? START, null, 2));
  const settlements = useApi("get /v1/settlements", { query: { limit: 1 } });
  const [chosen, setChosen] = useState<string | null>(null);
  const period = chosen ?? settlements.data?.data[0]?.period ?? addMonths(thisMonth(), -1);
  const [from, setFrom] = useState(`${addMonths(thisMonth(), 1)}-01T00:00:00Z`);
  const preview = useAction("post /v1/policies/preview", { onlyLooks: true });
  const post = useAction("post /v1/models/{owner}/{name}/policies");
  const draft = parse(text);
  const [owner = "", name = ""] = model.split("/");
  return (
    <Panel
      title="A new policy"
      note="The steps as in the API. Try it on a month's usage first: that changes nothing."
    >
      <label className="stack">
        <span>Steps (JSON)</span>
        <textarea
          rows={12}
          value={text}
          spellCheck={false}
          onChange={(event) => setText(event.target.value)}
        />
      </label>
      {draft === undefined && (
        <Notice tone="bad">This is no JSON yet: look at commas, quotes and brackets.</Notice>
      )}
      <div className="row-form">
        <label className="choice">
          <span>Try it on</span>
          <input value={period} onChange={(event) => setChosen(event.target.value)} size={9} />
        </label>
        <button
          type="button"
          disabled={draft === undefined || preview.isPending}
          onClick={() =>
            draft !== undefined && preview.mutate({ body: { model, period, policy: { steps: draft } } })
          }
        >
          Preview
        </button>
        <label className="choice">
          <span>In force from (UTC)</span>
          <input value={from} onChange={(event) => setFrom(event.target.value)} size={21} />
        </label>
        <ConfirmButton
          label="Post the policy"
          title={`A new policy for ${model}?`}
          disabled={draft === undefined || post.isPending}
          onConfirm={() =>
            draft !== undefined &&
            post.mutate({ path: { owner, name }, body: { effective_from: from, steps: draft } })
          }
        >
          <p>
            From {from} on its usage is split by it. A version that was posted cannot be changed, only
            followed by another.
          </p>
        </ConfirmButton>
      </div>
      <ActionProblem error={preview.error ?? post.error} />
      {post.isSuccess && <Notice tone="good">Posted.</Notice>}
      {preview.data && <Previewed preview={preview.data} />}
    </Panel>
  );
}

function Previewed({ preview }: { preview: Schema<"Preview"> }) {
  return (
    <>
      {!preview.exact && (
        <Notice tone="warn">
          Not exact:
          <ul>
            {preview.notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </Notice>
      )}
      <DataTable
        caption="What everybody would have earned"
        columns={[
          { key: "who", title: "Who", lead: true, cell: ({ who }) => who },
          { key: "now", title: "As it is", figure: true, cell: ({ now }) => <MoneyView value={now} /> },
          {
            key: "drafted",
            title: "Under the draft",
            figure: true,
            cell: ({ drafted }) => <MoneyView value={drafted} />,
          },
          {
            key: "difference",
            title: "Difference",
            figure: true,
            cell: ({ difference }) => <MoneyView value={difference} signed />,
          },
        ]}
        rows={[
          ...preview.payees.map((row) => ({ who: row.payee, ...row })),
          ...preview.platform.map((row) => ({ who: "the marketplace", ...row })),
        ]}
        keyOf={({ who, currency }) => `${who} ${currency}`}
        empty="There was no usage in that month."
      />
    </>
  );
}

function parse(text: string): Steps | undefined {
  try {
    return JSON.parse(text) as Steps;
  } catch {
    return undefined;
  }
}
