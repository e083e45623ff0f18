import {
  add,
  floor,
  multiply,
  parseDecimal,
  present,
  type Rational,
  rational,
  subtract,
} from "../../kernel/index.ts";
import type { InvoiceLine, InvoiceWithLines } from "../invoice.ts";
import type { InvoiceItem } from "./billing-provider.ts";

/** Stripe takes at most 250 items on an invoice. */
const ITEMS_MAX = 200;

/**
 * An invoice's items for a provider that knows whole steps only (given in minor units, with how many make a major
 * unit): differences of the floored running total, so that they come to the invoice to the cent. Each is within a step
 * of what its lines come to. Those that come to nothing yet are left out. What was netted is taken off last, as an item of its own.
 */
export function planItems(
  invoice: InvoiceWithLines,
  step: { minor: bigint; perUnit: bigint },
): InvoiceItem[] {
  const groups =
    invoice.lines.length <= ITEMS_MAX
      ? invoice.lines.map((line) => ({ gross: exact(line.gross), description: describe(line) }))
      : byModel(invoice.lines);
  const items: InvoiceItem[] = [];
  const minorOf = (amount: Rational) => floor(multiply(amount, rational(step.perUnit))) * step.minor;
  let running = exact(invoice.carried_in);
  for (const { gross, description } of groups) {
    const before = minorOf(running);
    running = add(running, gross);
    const amountMinor = minorOf(running) - before;
    if (amountMinor > 0n) items.push({ amountMinor, description });
  }
  const { amount: netted } = invoice.netted;
  const offMinor = minorOf(subtract(running, exact(netted))) - minorOf(running);
  if (offMinor < 0n)
    items.push({ amountMinor: offMinor, description: `Paid out of your earnings: ${netted}` });
  return items;
}

interface Group {
  gross: Rational;
  description: string;
}

function describe({ service_month, model, meter, quantity, unit_amount, per, gross }: InvoiceLine): string {
  const price = per === "1" ? unit_amount : `${unit_amount} / ${per}`;
  return `${model}, ${service_month}: ${quantity} ${meter} × ${price} = ${gross}`;
}

function byModel(lines: readonly InvoiceLine[]): Group[] {
  const models = new Map<string, Rational>();
  for (const { model, gross } of lines)
    models.set(model, add(models.get(model) ?? rational(0n), exact(gross)));
  const groups = [...models].map(([model, gross]) => ({ gross, description: model }));
  if (groups.length <= ITEMS_MAX) return groups;
  const rest = groups.slice(ITEMS_MAX - 1);
  const gross = rest.map((group) => group.gross).reduce(add);
  return [...groups.slice(0, ITEMS_MAX - 1), { gross, description: `${rest.length} more models` }];
}

function exact(decimal: string): Rational {
  return present(parseDecimal(decimal), "an exact decimal");
}
