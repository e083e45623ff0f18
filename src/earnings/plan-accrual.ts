import { parseDecimal, present } from "../kernel/index.ts";
import { type Part, type SplitPlan, splitGross } from "../sharing/index.ts";

/** A line as the view usage_line has it: cumulative usage of one model under one split plan. */
export interface UsageLine {
  booked_period: string;
  service_month: string;
  model_no: number;
  model: string;
  split_plan_no: number;
  currency: string;
  /** Exact decimal, major units. */
  gross: string;
  cost_quantity: string;
  events: string;
  plan: SplitPlan;
}

/** A line with its split, cumulative, as post_accrual() takes it; amounts in nanos. */
export interface AccrualLine extends Omit<UsageLine, "plan"> {
  receivable: string;
  parts: { account: string; reason: string; paid_by: string; amount: string }[];
}

/** What should be in the books for a line: pure, from nothing but its usage and its split plan. */
export function planAccrual({ plan, ...line }: UsageLine): AccrualLine {
  const split = splitGross(
    plan,
    present(parseDecimal(line.gross), "a decimal gross"),
    BigInt(line.cost_quantity),
  );
  const parts = split.parts.map((part) => ({
    account: accrualAccount(part),
    reason: part.reason,
    paid_by: part.model,
    amount: part.amountNanos.toString(),
  }));
  return { ...line, receivable: split.receivableNanos.toString(), parts };
}

function accrualAccount(part: Part): string {
  if (part.payee !== null) return `payee:${part.payee}:accruing`;
  return part.reason === "cost" ? "platform:cost_recovery" : "platform:revenue";
}
