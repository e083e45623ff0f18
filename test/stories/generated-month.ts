import { readFile } from "node:fs/promises";
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

export interface GeneratedMonth {
  payees: string[];
  models: MonthModel[];
  customers: { id: string; country: string; payee?: string }[];
  /** Each identity once, in no order. */
  events: MonthEvent[];
  /** What producers send: shuffled, some of it twice. */
  sent: MonthEvent[];
  random: () => number;
}

/** A month of usage with token counts of the real trace, everything else drawn from a seed. */
export async function generateMonth(
  seed: number,
  eventCount: number,
  payeeCount = 12,
): Promise<GeneratedMonth> {
  const random = mulberry32(seed);
  const below = (n: number) => Math.floor(random() * n);
  const pick = <T>(of: readonly T[]) => of[below(of.length)] as T;
  const payees = Array.from({ length: payeeCount }, (_, index) => `payee-${index}`);
  const models = generateModels(payees, below, pick, random);
  const customers = Array.from({ length: Math.ceil(2.5 * payeeCount) }, (_, index) => ({
    id: `customer-${index}`,
    country: pick(["US", "DE", "JP"]),
    ...(index % 7 === 0 ? { payee: pick(payees) } : {}),
  }));
  const file = new URL("../../data/azure_llm_code_2023.csv", import.meta.url);
  const trace = (await readFile(file, "utf8")).trim().split("\n").slice(1);
  const begin = Date.UTC(2023, 10, 1);
  const events = Array.from({ length: eventCount }, (_, index) => {
    const [, context, generated] = pick(trace).trim().split(",");
    return {
      specversion: "1.0",
      type: "prediction.completed",
      id: `prediction-${index}`,
      source: `//predictor/${index % 3}`,
      time: new Date(begin + below(30 * 86_400_000)).toISOString().replace("Z", `${below(1000)}Z`),
      subject: pick(customers).id,
      data: {
        model: pick(models).id,
        version: `v${below(3)}`,
        status: random() < 0.9 ? "succeeded" : pick(["failed", "canceled", "aborted"]),
        metrics: {
          predict_time: Number((random() * 30).toFixed(below(10))),
          input_token_count: Number(context),
          output_token_count: Number(generated),
        },
      },
    };
  });
  const sent = shuffle([...events, ...events.filter(() => random() < 0.07)], random);
  return { payees, models, customers, events, sent, random };
}

function generateModels(
  payees: string[],
  below: (n: number) => number,
  pick: <T>(of: readonly T[]) => T,
  random: () => number,
) {
  const models: MonthModel[] = [];
  const byId = new Map<string, MonthModel>();
  const depth = (model: MonthModel): number =>
    1 + (model.base === null ? 0 : depth(byId.get(model.base) as MonthModel));
  for (let index = 0; index < 2 * payees.length; index++) {
    const candidate = models.length > 5 && random() < 0.5 ? pick(models) : undefined;
    const model: MonthModel = {
      id: `maker/model-${index}`,
      payee: pick(payees),
      base: candidate !== undefined && depth(candidate) < 7 ? candidate.id : null,
      steps: random() < 0.75 ? generateSteps(payees, below, pick, random) : null,
      chargeStatuses: random() < 0.3 ? ["succeeded"] : ["succeeded", "canceled"],
      components: [
        { meter: "input_tokens", amount: pick(["0.65", "0.05", "0.333333"]), per: "1000000" },
        { meter: "output_tokens", amount: pick(["2.75", "0.25"]), per: "1000000" },
        ...(random() < 0.4 ? [{ meter: "predict_seconds", amount: "0.000225", per: "1" }] : []),
      ],
    };
    models.push(model);
    byId.set(model.id, model);
  }
  return models;
}

function generateSteps(
  payees: string[],
  below: (n: number) => number,
  pick: <T>(of: readonly T[]) => T,
  random: () => number,
): Step[] {
  const of = (): { of?: "remaining" } => (random() < 0.3 ? { of: "remaining" } : {});
  const amount = pick(["0.000975", "0.01", "0.0000003"]);
  const sharers = Array.from({ length: below(6) }, () => pick(payees));
  const shares = [pick(payees), ...sharers].filter((payee, index, all) => all.indexOf(payee) === index);
  return [
    ...(random() < 0.4
      ? [{ take: "cost" as const, meter: "predict_seconds" as const, amount, per: "1" }]
      : []),
    { take: "platform", percent: pick(["20", "12.5", "0"]), ...of() },
    ...(random() < 0.7 ? [{ take: "royalty" as const, percent: pick(["5", "33.333", "10"]), ...of() }] : []),
    {
      take: "shares",
      shares: shares.map((payee, index) => ({ payee, weight: index === 0 ? 1 + below(9) : below(9) })),
    },
  ];
}

function shuffle<T>(items: T[], random: () => number): T[] {
  for (let at = items.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [items[at], items[other]] = [items[other] as T, items[at] as T];
  }
  return items;
}

/** A small seeded generator (public domain, Tommy Ettinger's mulberry32). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
