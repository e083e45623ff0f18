import { useRef, useState } from "react";
import { changed, type Draft, moved, newTake, type Take, without } from "./draft.ts";
import { ShareList } from "./share-list.tsx";
import { STEP_NAMES, StepForm } from "./step-form.tsx";

const KINDS = Object.keys(STEP_NAMES) as Take["take"][];
/** Of these a policy has one at most. */
const ONCE: readonly Take["take"][] = ["cost", "royalty"];

/** A waterfall, step by step: each can be changed, moved, taken out, and others added. */
export function PolicyForm({ draft, onChange }: { draft: Draft; onChange: (draft: Draft) => void }) {
  const { takes, shares } = draft;
  const [said, setSaid] = useState("");
  const adding = useRef<HTMLDivElement>(null);
  const move = (id: number, by: -1 | 1, name: string) => {
    const next = moved(takes, id, by);
    onChange({ takes: next, shares });
    setSaid(`${name} is step ${next.findIndex((each) => each.id === id) + 1} now.`);
  };
  const remove = (id: number, name: string) => {
    onChange({ takes: without(takes, id), shares });
    setSaid(`${name} is taken out.`);
    // Its buttons go with it: whoever works without a mouse goes on where steps are added.
    adding.current?.querySelector<HTMLButtonElement>("button:not(:disabled)")?.focus();
  };
  return (
    <>
      <ol className="policy-steps">
        {takes.map(({ id, value }, place) => {
          const name = STEP_NAMES[value.take];
          return (
            <li key={id}>
              <fieldset>
                <legend>
                  {place + 1}. {name}
                </legend>
                <StepForm
                  take={value}
                  onChange={(take) => onChange({ takes: changed(takes, id, take), shares })}
                />
                <div className="actions">
                  <button
                    type="button"
                    aria-label={`Move step ${place + 1}, ${name}, up`}
                    aria-disabled={place === 0}
                    onClick={() => move(id, -1, name)}
                  >
                    ↑
                  </button>
                  <button
                    type="button"
                    aria-label={`Move step ${place + 1}, ${name}, down`}
                    aria-disabled={place === takes.length - 1}
                    onClick={() => move(id, 1, name)}
                  >
                    ↓
                  </button>
                  <button
                    type="button"
                    aria-label={`Remove step ${place + 1}, ${name}`}
                    onClick={() => remove(id, name)}
                  >
                    Remove
                  </button>
                </div>
              </fieldset>
            </li>
          );
        })}
        <li>
          <fieldset>
            <legend>{takes.length + 1}. Shares of what remains</legend>
            <ShareList
              shares={shares}
              hint="its id, or $owner"
              onChange={(next) => onChange({ takes, shares: next })}
            />
          </fieldset>
        </li>
      </ol>
      <div className="actions" ref={adding}>
        {KINDS.map((kind) => (
          <button
            key={kind}
            type="button"
            disabled={ONCE.includes(kind) && takes.some(({ value }) => value.take === kind)}
            onClick={() => {
              onChange({ takes: [...takes, newTake(kind)], shares });
              setSaid(`${STEP_NAMES[kind]} is step ${takes.length + 1}.`);
            }}
          >
            Add: {STEP_NAMES[kind].toLowerCase()}
          </button>
        ))}
      </div>
      <p role="status" className="hidden">
        {said}
      </p>
    </>
  );
}
