import { isBuiltInMeter, METER_PATTERN, meterScale } from "../pricing/index.ts";
import { toQuantity } from "./to-quantity.ts";
import type { EventRefusal } from "./usage-event.ts";

/** Which metrics of which runtime move which built-in meter. */
const METER_OF_METRIC: Record<string, string> = {
  predict_time: "predict_seconds",
  input_token_count: "input_tokens",
  prompt_tokens: "input_tokens",
  output_token_count: "output_tokens",
  completion_tokens: "output_tokens",
  image_count: "images",
};

const METRICS_MAX = 64;

/**
 * Turns reported metrics into meter quantities, and one run. Metrics without a number, or with a name that no price
 * can have, are left out; a bad number is refused, since leaving it out would change what is charged.
 */
export function readQuantities(metrics: Record<string, unknown>): Map<string, bigint> | EventRefusal {
  const names = Object.keys(metrics);
  if (names.length > METRICS_MAX) {
    return { code: "quantity_invalid", message: `data.metrics: at most ${METRICS_MAX} metrics` };
  }
  const quantities = new Map<string, bigint>();
  quantities.set("runs", 1n);
  for (const name of names) {
    const rule = ruleOf(name);
    if (rule === "forged") {
      return {
        code: "meter_forged",
        message: `data.metrics.${name}: a meter's own name is not a metric; report what was measured (predict_time, input_token_count, …)`,
      };
    }
    const value = metrics[name];
    if (typeof value !== "number") {
      if (rule !== "ignored" && rule.known && value !== null) return invalid(name, rule.scale);
      continue;
    }
    if (rule === "ignored") continue;
    const { meter, scale } = rule;
    const quantity = toQuantity(value, scale);
    if (quantity === undefined) return invalid(name, scale);
    const other = quantities.get(meter);
    if (other !== undefined && other !== quantity) {
      return {
        code: "metrics_disagree",
        message: `data.metrics.${name}: another metric for ${meter} says otherwise`,
      };
    }
    quantities.set(meter, quantity);
  }
  return quantities;
}

/** What a metric's name means. */
type MetricRule = { meter: string; scale: 0 | 6; known: boolean } | "forged" | "ignored";

/** Producers use few names, and asking for one is much faster than deciding; what an attacker invents is decided anew. */
const rules = new Map<string, MetricRule>();
const RULES_KEPT_MAX = 1000;

function ruleOf(name: string): MetricRule {
  const known = rules.get(name);
  if (known !== undefined) return known;
  const rule = decideRule(name);
  if (rules.size < RULES_KEPT_MAX && rule !== "ignored") rules.set(name, rule);
  return rule;
}

function decideRule(name: string): MetricRule {
  if (isBuiltInMeter(name)) return "forged";
  const known = Object.hasOwn(METER_OF_METRIC, name);
  if (!known && !METER_PATTERN.test(name)) return "ignored";
  const meter = (known ? METER_OF_METRIC[name] : undefined) ?? name;
  return { meter, scale: meterScale(meter), known };
}

function invalid(name: string, scale: 0 | 6): EventRefusal {
  const shown = name.slice(0, 64).toWellFormed().replaceAll("\u0000", "");
  return {
    code: "quantity_invalid",
    message: `data.metrics.${shown}: a number from 0 to ${scale === 0 ? "10^15" : "10^9, in seconds"}`,
  };
}
