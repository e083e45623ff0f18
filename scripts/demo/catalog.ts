import { readFile } from "node:fs/promises";
import type { z } from "zod";
import type { CatalogDocument } from "../../src/catalog/index.ts";

type Document = z.input<typeof CatalogDocument>;

interface ListPrices {
  hardware_per_second: Record<string, string>;
  language_models_per_million_tokens: Record<string, { input: string; output: string }>;
  image_models_per_image: Record<string, string>;
  time_priced_models: Record<string, string>;
}

const FROM = "2023-01-01T00:00:00Z";
const CREATORS: Record<string, string> = {
  meta: "Meta AI",
  mistralai: "Mistral AI",
  "black-forest-labs": "Black Forest Labs",
  "stability-ai": "Stability AI",
  openai: "OpenAI",
  ada: "Ada Okafor",
  lin: "Lin Zhou",
  sam: "Sam Rivera",
};
const COUNTRIES = ["US", "DE", "JP", "BR", "IN", "GB"];
export const CUSTOMERS = Array.from({ length: 40 }, (_, index) => `customer-${index + 1}`);

/** Fine-tunes of the listed models, by people: their owners pay a royalty up the lineage. */
export const FINE_TUNES = [
  { id: "ada/llama-3-70b-code", base: "meta/llama-3-70b-instruct", input: "0.90", output: "3.60" },
  { id: "lin/llama-3-70b-code-zh", base: "ada/llama-3-70b-code", input: "1.10", output: "4.40" },
  { id: "sam/mixtral-reviewer", base: "mistralai/mixtral-8x7b-instruct-v0.1", input: "0.45", output: "1.50" },
];

/** A catalogue of real models at their list prices, with shared models, fine-tunes and a linked customer. */
export async function demoCatalog(): Promise<Document> {
  const file = new URL("../../data/replicate_prices.json", import.meta.url);
  const list: ListPrices = JSON.parse(await readFile(file, "utf8"));
  return {
    payees: Object.entries(CREATORS).map(([id, name]) => ({
      id,
      name,
      country: "US",
      default_currency: "USD",
    })),
    models: [
      ...Object.keys({
        ...list.language_models_per_million_tokens,
        ...list.image_models_per_image,
        ...list.time_priced_models,
      }).map((id) => ({ id, payee: ownerOf(id) })),
      ...FINE_TUNES.map(({ id, base }) => ({ id, payee: ownerOf(id), base_model: base })),
    ],
    customers: CUSTOMERS.map((id, index) => ({
      id,
      name: `Customer ${index + 1}`,
      currency: "USD",
      country: COUNTRIES[index % COUNTRIES.length],
      // Ada tries her own model as a customer: her part of that usage goes to the platform.
      ...(id === "customer-7" ? { payee: "ada" } : {}),
    })),
    policies: policies(),
    prices: prices(list),
  };
}

function ownerOf(model: string): string {
  return model.split("/")[0] ?? "";
}

function policies(): Document["policies"] {
  const platform = { take: "platform" as const, percent: "20" };
  const royalty = { take: "royalty" as const, percent: "15" };
  const shares = (...weights: [payee: string, weight: number][]) => ({
    take: "shares" as const,
    shares: weights.map(([payee, weight]) => ({ payee, weight })),
  });
  return [
    {
      model: "mistralai/mixtral-8x7b-instruct-v0.1",
      effective_from: FROM,
      steps: [platform, shares(["mistralai", 70], ["lin", 30])],
    },
    {
      model: "ada/llama-3-70b-code",
      effective_from: FROM,
      steps: [platform, royalty, shares(["ada", 2], ["sam", 1])],
    },
    {
      model: "lin/llama-3-70b-code-zh",
      effective_from: FROM,
      steps: [platform, royalty, shares(["lin", 1])],
    },
    { model: "sam/mixtral-reviewer", effective_from: FROM, steps: [platform, royalty, shares(["sam", 1])] },
    {
      model: "stability-ai/sdxl",
      effective_from: FROM,
      steps: [
        { take: "cost", meter: "predict_seconds", amount: "0.0006", per: "1", currency: "USD" },
        { take: "platform", percent: "10", of: "remaining" },
        shares(["stability-ai", 1]),
      ],
    },
  ];
}

function prices(list: ListPrices): Document["prices"] {
  const price = (model: string, components: { meter: string; amount: string; per: string }[]) => ({
    model,
    currency: "USD",
    effective_from: FROM,
    components,
  });
  const tokens = (model: string, { input, output }: { input: string; output: string }) =>
    price(model, [
      { meter: "input_tokens", amount: input, per: "1000000" },
      { meter: "output_tokens", amount: output, per: "1000000" },
    ]);
  return [
    ...Object.entries(list.language_models_per_million_tokens).map(([model, rates]) => tokens(model, rates)),
    ...FINE_TUNES.map((model) => tokens(model.id, model)),
    ...Object.entries(list.image_models_per_image).map(([model, amount]) =>
      price(model, [{ meter: "images", amount, per: "1" }]),
    ),
    ...Object.entries(list.time_priced_models).map(([model, hardware]) =>
      price(model, [
        { meter: "predict_seconds", amount: list.hardware_per_second[hardware] ?? "0", per: "1" },
      ]),
    ),
  ];
}
