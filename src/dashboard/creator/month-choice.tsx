import { monthName } from "../data/time.ts";
import type { Month } from "./use-month.ts";

/** Chooses the month and, where there are several, the currency that the page is about. */
export function MonthChoice({ month, known, currency, currencies, setMonth, setCurrency }: Month) {
  const months = month === undefined || known.includes(month) ? known : [month, ...known];
  return (
    <>
      {currencies.length > 1 && (
        <label className="choice">
          <span>Currency</span>
          <select value={currency} onChange={(event) => setCurrency(event.target.value)}>
            {currencies.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
      )}
      <label className="choice">
        <span>Month (UTC)</span>
        <select
          value={month ?? ""}
          onChange={(event) => setMonth(event.target.value)}
          disabled={month === undefined}
        >
          {month === undefined && <option value="">…</option>}
          {months.map((each) => (
            <option key={each} value={each}>
              {monthName(each)}
            </option>
          ))}
        </select>
      </label>
    </>
  );
}
