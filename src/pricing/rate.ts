import { add, multiply, type Rational, rational, ZERO } from "../kernel/index.ts";
import { type PriceTerms, unitAmount } from "./price.ts";

/**
 * Usage becomes money: the exact gross of charged quantities (integers at each meter's scale), in major units.
 * A meter without a quantity is unmetered and adds nothing.
 */
export function rate(
  price: Pick<PriceTerms, "components">,
  quantities: ReadonlyMap<string, bigint>,
): Rational {
  let gross = ZERO;
  for (const component of price.components) {
    const quantity = quantities.get(component.meter);
    if (quantity !== undefined) gross = add(gross, multiply(unitAmount(component), rational(quantity)));
  }
  return gross;
}
