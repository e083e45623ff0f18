import type { Schema } from "../data/api.ts";
import { count, timeName } from "../data/time.ts";

/** A model's prices, newest first. */
export function PriceList({ prices }: { prices: Schema<"Model">["prices"] }) {
  if (prices.length === 0) return <p className="empty">It has no price yet: its usage waits for one.</p>;
  return (
    <ul className="price-list">
      {[...prices].reverse().map(({ currency, components, charge_statuses, effective_from }) => (
        <li key={`${currency} ${effective_from}`}>
          <p>
            <strong>{currency}</strong>{" "}
            <span className="dim">
              {effective_from === null ? "from the beginning" : `from ${timeName(effective_from)}`}
            </span>
          </p>
          <ul>
            {components.map(({ meter, amount, per }) => (
              <li key={meter}>
                <span className="money">{amount}</span> per {count(per)} {meter.replaceAll("_", " ")}
              </li>
            ))}
          </ul>
          <p className="dim">Charged when {charge_statuses?.join(" or ")}.</p>
        </li>
      ))}
    </ul>
  );
}
