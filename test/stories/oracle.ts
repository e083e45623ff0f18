// What every payee earns, worked out from design.md alone with fractions of its own: nothing of src/ is imported here.

export type Step =
  | { take: "cost"; meter: "predict_seconds"; amount: string; per: string }
  | { take: "platform" | "royalty"; percent: string; of?: "gross" | "remaining" }
  | { take: "shares"; shares: { payee: string; weight: number }[] };

export interface MonthModel {
  id: string;
  payee: string;
  base: string | null;
  steps: Step[] | null;
  chargeStatuses: string[];
  components: { meter: string; amount: string; per: string }[];
}

export interface MonthEvent {
  id: string;
  source: string;
  time: string;
  subject: string;
  data: { model: string; version: string; status: string; metrics: Record<string, number> };
}

interface Fraction {
  n: bigint;
  d: bigint;
}

const of = (n: bigint, d = 1n): Fraction => {
  let [a, b] = [n < 0n ? -n : n, d];
  while (b !== 0n) [a, b] = [b, a % b];
  return a === 0n ? { n: 0n, d: 1n } : { n: n / a, d: d / a };
};
const plus = (a: Fraction, b: Fraction) => of(a.n * b.d + b.n * a.d, a.d * b.d);
const minus = (a: Fraction, b: Fraction) => of(a.n * b.d - b.n * a.d, a.d * b.d);
const times = (a: Fraction, b: Fraction) => of(a.n * b.n, a.d * b.d);
const smaller = (a: Fraction, b: Fraction) => (a.n * b.d < b.n * a.d ? a : b);

function decimal(text: string): Fraction {
  const [whole = "", fraction = ""] = text.split(".");
  return of(BigInt(whole + fraction), 10n ** BigInt(fraction.length));
}

/** Half-even to whole microseconds. */
function micros(seconds: number): bigint {
  const exact = times(decimal(seconds.toFixed(12)), of(1_000_000n));
  const below = exact.n / exact.d;
  const rest = 2n * (exact.n - below * exact.d);
  return rest > exact.d || (rest === exact.d && below % 2n === 1n) ? below + 1n : below;
}

const DEFAULT_STEPS = (payee: string): Step[] => [
  { take: "platform", percent: "20" },
  { take: "shares", shares: [{ payee, weight: 1 }] },
];

/** Nanos by payee for events that are all booked in one period; each identity must be given once. */
export function oracle(
  models: MonthModel[],
  links: Map<string, string>,
  events: MonthEvent[],
): Map<string, bigint> {
  const byId = new Map(models.map((model) => [model.id, model]));
  const model = (id: string) => byId.get(id) as MonthModel;
  const steps = (m: MonthModel) => m.steps ?? DEFAULT_STEPS(m.payee);
  const payees = (m: MonthModel): Set<string> => {
    const found = new Set<string>();
    for (const step of steps(m)) {
      if (step.take === "shares")
        for (const { payee, weight } of step.shares) if (weight > 0) found.add(payee);
      if (step.take === "royalty" && m.base !== null)
        for (const payee of payees(model(m.base))) found.add(payee);
    }
    return found;
  };

  const lines = new Map<
    string,
    { model: MonthModel; redirect: string | null; gross: Fraction; micros: bigint }
  >();
  for (const { subject, data } of events) {
    const m = model(data.model);
    if (!m.chargeStatuses.includes(data.status)) continue;
    const quantity: Record<string, Fraction> = {
      input_tokens: of(BigInt(data.metrics.input_token_count ?? 0)),
      output_tokens: of(BigInt(data.metrics.output_token_count ?? 0)),
      predict_seconds: of(micros(data.metrics.predict_time ?? 0), 1_000_000n),
    };
    const linked = links.get(subject);
    const redirect = linked !== undefined && payees(m).has(linked) ? linked : null;
    const line = lines.get(`${m.id} ${redirect}`) ?? { model: m, redirect, gross: of(0n), micros: 0n };
    for (const { meter, amount, per } of m.components) {
      line.gross = plus(
        line.gross,
        times(times(quantity[meter] ?? of(0n), decimal(amount)), of(1n, BigInt(per))),
      );
    }
    line.micros += micros(data.metrics.predict_time ?? 0);
    lines.set(`${m.id} ${redirect}`, line);
  }

  const earned = new Map<string, bigint>();
  for (const line of lines.values()) {
    const parts = new Map<string, { payee: string; amount: Fraction }>();
    const split = (m: MonthModel, gross: Fraction, run: boolean): void => {
      let rest = gross;
      for (const step of steps(m)) {
        if (step.take === "shares") {
          const weights = step.shares.reduce((sum, share) => sum + BigInt(share.weight), 0n);
          for (const { payee, weight } of step.shares) {
            const key = `${payee} ${run} ${m.id}`;
            const amount = times(rest, of(BigInt(weight), weights));
            parts.set(key, { payee, amount: plus(parts.get(key)?.amount ?? of(0n), amount) });
          }
        } else if (step.take === "cost") {
          const cost = times(
            of(line.micros, 1_000_000n),
            times(decimal(step.amount), of(1n, BigInt(step.per))),
          );
          if (run) rest = minus(rest, smaller(cost, rest));
        } else if (step.take === "platform" ? run : m.base !== null) {
          const whole = step.of === "remaining" ? rest : gross;
          const taken = smaller(times(whole, times(decimal(step.percent), of(1n, 100n))), rest);
          rest = minus(rest, taken);
          if (step.take === "royalty") split(model(m.base as string), taken, false);
        }
      }
    };
    split(line.model, line.gross, true);
    for (const { payee, amount } of parts.values()) {
      if (payee === line.redirect) continue;
      earned.set(payee, (earned.get(payee) ?? 0n) + (amount.n * 1_000_000_000n) / amount.d);
    }
  }
  return earned;
}
