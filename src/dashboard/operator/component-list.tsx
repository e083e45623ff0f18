import type { Schema } from "../data/api.ts";
import { changed, type Placed } from "../policies/draft.ts";
import { RowList } from "../policies/row-list.tsx";

export type Component = Schema<"PriceComponent">;

const COMPONENTS_MAX = 32;

/** What each unit of a meter costs: a row for each meter. */
export function ComponentList({
  list,
  onChange,
  fresh,
}: {
  list: Placed<Component>[];
  onChange: (list: Placed<Component>[]) => void;
  fresh: Component;
}) {
  return (
    <RowList list={list} onChange={onChange} fresh={fresh} most={COMPONENTS_MAX} what="meter">
      {({ id, value }, place) => {
        const set = (name: "meter" | "amount" | "per", text: string) =>
          onChange(changed(list, id, { ...value, [name]: text.trim() }));
        return (
          <>
            <label className="choice grow">
              <span>Meter {place + 1}</span>
              <input
                value={value.meter}
                spellCheck={false}
                autoComplete="off"
                onChange={(event) => set("meter", event.target.value)}
              />
            </label>
            <label className="choice">
              <span>Amount {place + 1}</span>
              <input
                className="short"
                inputMode="decimal"
                value={value.amount}
                onChange={(event) => set("amount", event.target.value)}
              />
            </label>
            <label className="choice">
              <span>Per {place + 1} (units)</span>
              <input
                className="short"
                inputMode="numeric"
                value={value.per}
                onChange={(event) => set("per", event.target.value)}
              />
            </label>
          </>
        );
      }}
    </RowList>
  );
}
