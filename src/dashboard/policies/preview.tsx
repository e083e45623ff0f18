import { type FormEvent, useState } from "react";
import type { Input } from "../data/api.ts";
import { useDuties } from "../data/session.ts";
import { addMonths, thisMonth } from "../data/time.ts";
import { useAction, useApi } from "../data/use-api.ts";
import { ActionProblem } from "../parts/action-problem.tsx";
import { Panel } from "../parts/page.tsx";
import { Notice } from "../parts/states.tsx";
import { PreviewTable } from "./preview-table.tsx";

type Draft = Pick<NonNullable<Input<"post /v1/policies/preview">["body"]>, "policy" | "price">;

const POLICY = { title: "Preview", month: "Month", look: "Preview" };

/** What a month's usage would have brought under the draft; asked for by hand, since it may read many events. */
export function Preview({
  model,
  draft,
  words = POLICY,
}: {
  model: string;
  draft: Draft;
  words?: typeof POLICY;
}) {
  const settlements = useApi("get /v1/settlements", { query: { limit: 1 } });
  const [chosen, setChosen] = useState<string | null>(null);
  const [shown, setShown] = useState("");
  const preview = useAction("post /v1/policies/preview", { onlyLooks: true });
  const { makes } = useDuties();
  const period = chosen ?? settlements.data?.data[0]?.period ?? addMonths(thisMonth(), -1);
  const asked = JSON.stringify({ period, draft });
  const look = (event: FormEvent) => {
    event.preventDefault();
    setShown(asked);
    preview.mutate({ body: { ...draft, model, period } });
  };
  return (
    <Panel title={words.title} note="The draft, tried on a month's usage: that changes nothing.">
      <form className="row-form" onSubmit={look}>
        <label className="choice">
          <span>{words.month}</span>
          <input
            type="month"
            value={period}
            required
            pattern="\d{4}-\d{2}"
            onChange={(event) => setChosen(event.target.value)}
          />
        </label>
        <button type="submit" disabled={preview.isPending || !makes}>
          {preview.isPending ? "Trying…" : words.look}
        </button>
      </form>
      {!makes && <Notice>A draft is tried by a maker.</Notice>}
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
