import type { Answer } from "../data/api.ts";
import type { Column } from "./data-table.tsx";
import { MoneyView } from "./money-view.tsx";

type Refund = Answer<"get /v1/refunds">["data"][number];

/** The two ways in which a refund gives money back: the invoice asks for less, or what was paid is returned. */
export const MONEY_BACK_COLUMNS: Column<Refund>[] = [
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
