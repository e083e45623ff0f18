import type { Take } from "./draft.ts";

type PercentTake = Extract<Take, { percent: string }>;
type CostTake = Extract<Take, { take: "cost" }>;

/** What a step is called where it is written. */
export const STEP_NAMES: Record<Take["take"], string> = {
  cost: "Compute recovered",
  platform: "Marketplace fee",
  royalty: "Royalty to the base model",
};

/** The fields of one step. */
export function StepForm({ take, onChange }: { take: Take; onChange: (take: Take) => void }) {
  return take.take === "cost" ? (
    <CostFields take={take} onChange={onChange} />
  ) : (
    <PercentFields take={take} onChange={onChange} />
  );
}

function PercentFields({ take, onChange }: { take: PercentTake; onChange: (take: Take) => void }) {
  return (
    <div className="row-form">
      <label className="choice">
        <span>Percent</span>
        <input
          className="short"
          value={take.percent}
          required
          inputMode="decimal"
          pattern="\d{1,3}(\.\d{1,6})?"
          title="From 0 to 100, at most 6 digits after the point"
          onChange={(event) => onChange({ ...take, percent: event.target.value.trim() })}
        />
      </label>
      <label className="choice">
        <span>Of</span>
        <select
          value={take.of}
          onChange={(event) => onChange({ ...take, of: event.target.value as PercentTake["of"] })}
        >
          <option value="gross">the gross</option>
          <option value="remaining">what remains</option>
        </select>
      </label>
    </div>
  );
}

function CostFields({ take, onChange }: { take: CostTake; onChange: (take: Take) => void }) {
  const { currency, ...rest } = take;
  return (
    <div className="row-form">
      <label className="choice">
        <span>Amount</span>
        <input
          className="short"
          value={take.amount}
          required
          inputMode="decimal"
          pattern="\d+(\.\d+)?"
          title="A decimal, such as 0.000975"
          onChange={(event) => onChange({ ...take, amount: event.target.value.trim() })}
        />
      </label>
      <label className="choice">
        <span>Per (a power of ten)</span>
        <input
          className="short"
          value={take.per}
          required
          inputMode="numeric"
          pattern="10*"
          title="1, 10, 100 and so on"
          onChange={(event) => onChange({ ...take, per: event.target.value.trim() })}
        />
      </label>
      <label className="choice">
        <span>Meter</span>
        <input
          value={take.meter}
          required
          pattern="[a-z][a-z0-9_]{0,62}"
          title="Such as predict_seconds"
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => onChange({ ...take, meter: event.target.value.trim() })}
        />
      </label>
      <label className="choice">
        <span>Currency (empty: any)</span>
        <input
          className="short"
          value={currency ?? ""}
          maxLength={3}
          pattern="[A-Z]{3}"
          title="Three capital letters, such as USD"
          onChange={(event) => {
            const text = event.target.value.trim().toUpperCase();
            onChange(text === "" ? rest : { ...rest, currency: text });
          }}
        />
      </label>
    </div>
  );
}
