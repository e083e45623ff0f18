import type { Answer } from "../data/api.ts";
import type { Column } from "./data-table.tsx";
import { MoneyView } from "./money-view.tsx";

type Refund = Answer<"get /v1/refunds">["data"][number];

/**
 * What a refund is of, and the two ways in which it gives money back: the invoice asks for less, or what was paid is returned. The
 * rest is on the customer's account.
 */
export const MONEY_BACK_COLUMNS: Column<Refund>[] = [
  {
    key: "refunded",
    title: "Refunded",
    figure: true,
    cell: ({ currency, gross }) => <MoneyView value={{ currency, amount: negated(gross) }} />,
  },
  {
    key: "credited",
    title: "Credited",
    figure: true,
    cell: ({ credited }) => <MoneyView value={credited} />,
  },
  {
    key: "returned",
    title: "Paid back",
    figure: true,
    cell: ({ returned }) => <MoneyView value={returned} />,
  },
];

/** A refund's gross is what the lines lose by it. */
function negated(gross: string): string {
  if (gross.startsWith("-")) return gross.slice(1);
  return gross === "0" ? gross : `-${gross}`;
}
