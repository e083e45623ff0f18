import type { Money } from "../data/api.ts";
import { isNegative, isZero, minorDigits, moneyText, NANO_DIGITS } from "../data/money.ts";

/** Money, exact to the last nano: what stands below the minor unit is there too, only quieter. */
export function MoneyView({
  value,
  signed = false,
  bare = false,
}: {
  value: Money;
  /** For differences: a plus as well, and a colour. */
  signed?: boolean;
  /** Without the currency, where the column or the caption has it. */
  bare?: boolean;
}) {
  const { sign, main, rest, currency } = moneyText(value);
  const plus = signed && !isZero(value) && !isNegative(value) ? "+" : "";
  const tone = !signed || isZero(value) ? "" : isNegative(value) ? " down" : " up";
  return (
    <span className={`money${tone}`}>
      {sign}
      {plus}
      {main}
      {rest !== "" && <span className="nanos">{rest}</span>}
      <span className="nanos pad" aria-hidden="true">
        {"0".repeat(Math.max(0, NANO_DIGITS - minorDigits(currency) - rest.length))}
      </span>
      {!bare && <span className="currency"> {currency}</span>}
    </span>
  );
}
