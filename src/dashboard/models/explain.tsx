import { usePayee } from "../creator/payee-context.ts";
import type { Schema } from "../data/api.ts";
import { count, monthName } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { MoneyView } from "../parts/money-view.tsx";
import { Shown } from "../parts/states.tsx";

type Waterfall = Schema<"Waterfall">;

/** The very split that was booked, step by step, with its exact fractions. */
export function Explain({ model, month, currency }: { model: string; month: string; currency: string }) {
  const payee = usePayee();
  const explained = useApi("get /v1/payees/{id}/earnings/explain", {
    path: { id: payee },
    query: { model, period: month, currency },
  });
  return (
    <Shown query={explained}>
      {({ lines }) => {
        if (lines.length === 0) return <p className="empty">No usage in this month.</p>;
        return lines.map((line) => (
          <details
            key={`${line.split_plan} ${line.booked_period}`}
            className="line"
            open={lines.length === 1}
          >
            <summary>
              <span>
                {count(line.events)} predictions, booked in {monthName(line.booked_period)}{" "}
                {line.self_dealing && <span className="tag">your own usage</span>}
              </span>
              <MoneyView value={line.earned} />
            </summary>
            <ul className="steps">
              {line.usage.map(({ meter, quantity, price, gross }) => (
                <li key={`${meter} ${price?.effective_from ?? ""}`}>
                  <span>
                    {count(quantity)} {meter.replaceAll("_", " ")}
                    {price !== null && ` × ${price.amount} per ${count(price.per)}`}
                  </span>
                  <MoneyView value={{ currency, amount: short(gross) }} bare />
                </li>
              ))}
            </ul>
            <Steps waterfall={line.waterfall} currency={currency} />
          </details>
        ));
      }}
    </Shown>
  );
}

function Steps({ waterfall, currency }: { waterfall: Waterfall; currency: string }) {
  return (
    <ol className="steps">
      <li>
        <span>
          Gross of {waterfall.model} <code>{waterfall.gross.fraction}</code>
        </span>
        <MoneyView value={{ currency, amount: waterfall.gross.amount }} bare />
      </li>
      {waterfall.steps.map((step) => (
        <li key={`${step.take} ${step.remaining.fraction}`}>
          <span>{wordsOf(step)}</span>
          <MoneyView value={{ currency, amount: step.taken.amount }} bare />
          {step.shares.length > 0 && (
            <ul className="steps inner">
              {step.shares.map(({ payee, weight, amount }, place) => (
                <li key={payee ?? place}>
                  <span>
                    {payee ?? "another payee"}: weight {weight}
                  </span>
                  {amount !== null && <MoneyView value={{ currency, amount: amount.amount }} bare />}
                </li>
              ))}
            </ul>
          )}
          {step.base !== null && <Steps waterfall={step.base} currency={currency} />}
        </li>
      ))}
    </ol>
  );
}

function wordsOf(step: Waterfall["steps"][number]): string {
  const part =
    step.percent === null
      ? ""
      : ` ${step.percent} % of ${step.of === "remaining" ? "what remains" : "gross"}`;
  if (step.take === "cost")
    return `Compute recovered: ${step.cost?.amount} per ${step.cost?.per} ${step.cost?.meter}`;
  if (step.take === "platform") return `Marketplace fee:${part}`;
  if (step.take === "royalty") return `Royalty to ${step.base_model}:${part}`;
  return "Shares of what remains";
}

/** An exact decimal, down to the nano as money is shown. */
function short(decimal: string): string {
  const [whole = "0", digits = ""] = decimal.split(".");
  return `${whole}.${digits.slice(0, 9).padEnd(9, "0")}`;
}
