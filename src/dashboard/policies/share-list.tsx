import { changed, type Placed, type Share } from "./draft.ts";
import { RowList } from "./row-list.tsx";

const SHARES_MAX = 64;

/** Who shares, with which weight: a row for each payee. */
export function ShareList({
  shares,
  onChange,
  hint,
}: {
  shares: Placed<Share>[];
  onChange: (shares: Placed<Share>[]) => void;
  /** What a payee may be named by. */
  hint: string;
}) {
  const total = shares.reduce((sum, { value }) => sum + value.weight, 0);
  return (
    <RowList
      list={shares}
      onChange={onChange}
      fresh={{ payee: "", weight: 1 }}
      most={SHARES_MAX}
      what="payee"
    >
      {({ id, value }, place) => (
        <>
          <label className="choice grow">
            <span>
              Payee {place + 1} ({hint})
            </span>
            <input
              value={value.payee}
              required
              maxLength={64}
              spellCheck={false}
              autoComplete="off"
              onChange={(event) =>
                onChange(changed(shares, id, { ...value, payee: event.target.value.trim() }))
              }
            />
          </label>
          <label className="choice">
            <span>Weight</span>
            <input
              type="number"
              className="short"
              value={value.weight}
              required
              min={0}
              max={1_000_000_000}
              step={1}
              onChange={(event) =>
                onChange(changed(shares, id, { ...value, weight: weightOf(event.target.value) }))
              }
            />
          </label>
          <span className="dim part">{total > 0 ? partOf(value.weight, total) : "–"}</span>
        </>
      )}
    </RowList>
  );
}

function weightOf(text: string): number {
  const weight = Number.parseInt(text, 10);
  return Number.isNaN(weight) ? 0 : weight;
}

/** For the eye: the split itself is by the weights, exactly. */
function partOf(weight: number, total: number): string {
  return `${((weight / total) * 100).toFixed(2)} %`;
}
