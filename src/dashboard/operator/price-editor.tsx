import { useState } from "react";
import type { Schema } from "../data/api.ts";
import { useDuties } from "../data/session.ts";
import { addMonths, thisMonth } from "../data/time.ts";
import { useAction } from "../data/use-api.ts";
import { modelPath } from "../models/model-field.tsx";
import { ActionProblem } from "../parts/action-problem.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { Panel } from "../parts/page.tsx";
import { Notice } from "../parts/states.tsx";
import { type Placed, placed } from "../policies/draft.ts";
import { Preview } from "../policies/preview.tsx";
import { type Component, ComponentList } from "./component-list.tsx";

type Price = Schema<"Model">["prices"][number];

const STATUSES = ["succeeded", "failed", "canceled", "aborted"] as const;
type Status = (typeof STATUSES)[number];
const WORDS = { title: "Preview of the price", month: "Month to try the price on", look: "Try the price" };
const NEW: Component = { meter: "output_tokens", amount: "", per: "1000000" };

/** Writes a model's next price, from the one that it has, tries it on a month, and posts it. */
export function PriceEditor({ model, price }: { model: string; price: Price | undefined }) {
  const [currency, setCurrency] = useState(price?.currency ?? "USD");
  const [list, setList] = useState<Placed<Component>[]>(() => (price?.components ?? [NEW]).map(placed));
  const [statuses, setStatuses] = useState<Status[]>(price?.charge_statuses ?? ["succeeded", "canceled"]);
  const [from, setFrom] = useState(`${addMonths(thisMonth(), 1)}-01T00:00:00Z`);
  const post = useAction("post /v1/models/{owner}/{name}/prices");
  const { makes } = useDuties();
  const terms = { currency, charge_statuses: statuses, components: list.map(({ value }) => value) };
  const toggle = (status: Status) =>
    setStatuses((now) => (now.includes(status) ? now.filter((each) => each !== status) : [...now, status]));
  return (
    <div className="two">
      <Panel title="A new price" note="Each currency has prices of its own; each holds until the next.">
        <label className="choice">
          <span>Currency</span>
          <input
            className="short"
            value={currency}
            maxLength={3}
            spellCheck={false}
            onChange={(event) => setCurrency(event.target.value.trim().toUpperCase())}
          />
        </label>
        <ComponentList list={list} onChange={setList} fresh={NEW} />
        <fieldset className="row-form">
          <legend>Charged when</legend>
          {STATUSES.map((status) => (
            <label key={status} className="check">
              <input type="checkbox" checked={statuses.includes(status)} onChange={() => toggle(status)} />
              <span>{status}</span>
            </label>
          ))}
        </fieldset>
        <div className="row-form">
          <label className="choice">
            <span>Price in force from (UTC)</span>
            <input value={from} onChange={(event) => setFrom(event.target.value.trim())} size={21} />
          </label>
          <ConfirmButton
            label="Post the price"
            title={`A new price for ${model}?`}
            disabled={post.isPending || !makes}
            onConfirm={() =>
              post.mutate({ path: modelPath(model), body: { ...terms, effective_from: from } })
            }
          >
            <p>
              From {from} on its usage in {currency} costs that. A version that was posted cannot be changed,
              only followed by another.
            </p>
          </ConfirmButton>
        </div>
        {!makes && <Notice>A price is posted by a maker.</Notice>}
        <ActionProblem error={post.error} />
        <div role="status">{post.isSuccess && <Notice tone="good">The price is posted.</Notice>}</div>
      </Panel>
      <Preview model={model} draft={{ price: terms }} words={WORDS} />
    </div>
  );
}
