import { memo } from "react";
import { usePayee } from "../creator/payee-context.ts";
import { addMoney, approximately } from "../data/money.ts";
import { monthName, monthRange, percent } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import type { Defined } from "../parts/definitions.ts";
import { MoneyView } from "../parts/money-view.tsx";
import { Panel } from "../parts/page.tsx";
import { Shown } from "../parts/states.tsx";
import { Term } from "../parts/term.tsx";

/** From what customers owe to what the payee earns, step by step. */
export const GrossToEarned = memo(function GrossToEarned({
  month,
  currency,
}: {
  month: string;
  currency: string;
}) {
  const payee = usePayee();
  const query = { ...monthRange(month), currency };
  const earnings = useApi("get /v1/payees/{id}/earnings", { path: { id: payee }, query });
  return (
    <Panel title="From gross to earned" note={`${monthName(month)}, in ${currency}`}>
      <Shown query={earnings} lines={8}>
        {({ total, data }) => {
          const own = data.filter(({ reason }) => reason === "share");
          const sum = (name: "gross" | "fees" | "royalties" | "shares" | "earned") =>
            addMoney(
              currency,
              own.map((row) => row[name].amount),
            );
          const royalties = data.filter(({ reason }) => reason === "royalty");
          const adjustments = data.filter(({ reason }) => reason === "adjustment");
          const gross = approximately(sum("gross").amount);
          const steps: { name: Defined; value: ReturnType<typeof sum>; label?: string }[] = [
            { name: "gross", value: sum("gross") },
            { name: "fees", value: sum("fees") },
            { name: "royalties", value: sum("royalties") },
            { name: "shares", value: sum("shares") },
            { name: "earned", value: sum("earned"), label: "Your shares" },
          ];
          return (
            <>
              <ul className="waterfall">
                {steps.map(({ name, value, label }) => (
                  <li key={name}>
                    <Term name={name}>{label}</Term>
                    <span className="waterfall-bar">
                      <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                        <rect
                          className={name === "earned" ? "series-0" : "quiet-bar"}
                          width={gross === 0 ? 0 : (approximately(value.amount) / gross) * 100}
                          height="8"
                        />
                      </svg>
                    </span>
                    <MoneyView value={value} bare />
                  </li>
                ))}
                <Extra label="Royalties to you" rows={royalties} currency={currency} />
                <Extra label="Adjustments" rows={adjustments} currency={currency} />
                <li className="total">
                  <Term name="earned">Earned in all</Term>
                  <span />
                  <MoneyView value={total} bare />
                </li>
              </ul>
              {own[0] !== undefined && (
                <p className="dim">
                  Effective share of what customers pay for your models: {percent(own[0].effective_share)}
                </p>
              )}
            </>
          );
        }}
      </Shown>
    </Panel>
  );
});

function Extra({
  label,
  rows,
  currency,
}: {
  label: string;
  rows: { earned: { amount: string } }[];
  currency: string;
}) {
  if (rows.length === 0) return null;
  return (
    <li>
      <span>{label}</span>
      <span />
      <MoneyView
        value={addMoney(
          currency,
          rows.map((row) => row.earned.amount),
        )}
        bare
      />
    </li>
  );
}
