import { type FormEvent, useState } from "react";
import { useAction } from "../data/use-api.ts";
import { ActionProblem } from "../parts/action-problem.tsx";
import { Panel } from "../parts/page.tsx";
import { Notice } from "../parts/states.tsx";

const LINE = /^(\S+)\s+(\d{1,10})$/;

/** Proposes how a model's income is shared from a day on: its owner, and whoever is named with a weight. */
export function ProposeShares({ payee }: { payee: string }) {
  const propose = useAction("post /v1/models/{owner}/{name}/share-proposals");
  const [problem, setProblem] = useState<string | null>(null);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const [owner = "", name = ""] = String(form.get("model")).trim().split("/");
    const shares = sharesOf(String(form.get("shares")));
    setProblem(shares === undefined ? "Write one payee a line: its id, a space, and a whole number." : null);
    if (shares === undefined) return;
    propose.mutate({
      path: { owner, name },
      body: { effective_from: `${String(form.get("from"))}T00:00:00Z`, shares },
    });
  };
  return (
    <Panel title="A new proposal" note="It becomes the model's policy once everybody named has accepted.">
      <form className="row-form" onSubmit={submit}>
        <label className="choice grow">
          <span>Model of yours</span>
          <input name="model" required placeholder={`${payee}/model`} pattern="[^\s\/]+\/[^\s\/]+" />
        </label>
        <label className="choice">
          <span>From (UTC)</span>
          <input name="from" type="date" required />
        </label>
        <label className="choice grow">
          <span>Shares: a payee and its weight on each line</span>
          <textarea name="shares" rows={3} required defaultValue={`${payee} 1`} spellCheck={false} />
        </label>
        <button type="submit" className="primary" disabled={propose.isPending}>
          Propose
        </button>
      </form>
      <ActionProblem error={problem === null ? propose.error : new Error(problem)} />
      <div role="status">
        {propose.isSuccess && <Notice tone="good">Proposed: the others are told.</Notice>}
      </div>
    </Panel>
  );
}

function sharesOf(text: string): { payee: string; weight: number }[] | undefined {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const shares = lines.flatMap((line) => {
    const [, payee, weight] = LINE.exec(line.trim()) ?? [];
    return payee === undefined ? [] : [{ payee, weight: Number(weight) }];
  });
  return shares.length === lines.length && shares.length > 0 ? shares : undefined;
}
