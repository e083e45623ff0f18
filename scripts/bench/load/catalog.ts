import { createHash } from "node:crypto";
import { CatalogDocument, openCatalogStore } from "../../../src/catalog/index.ts";
import type { Sql } from "../../../src/postgres/index.ts";

export const MODELS = 500;
export const CUSTOMERS = 1_000;
const PAYEES = 60;
const COUNTRIES = ["US", "DE", "JP", "BR", "IN", "GB"];
const FROM = "2023-01-01T00:00:00Z";
/** The models of lower rank that fine-tunes are made of. */
const BASES = 20;

export const modelId = (rank: number) => `${ownerOf(rank)}/model-${rank}`;
export const customerId = (rank: number) => `customer-${rank + 1}`;
/** Owns one model that nobody else uses: what appears on its page comes from the marker that was sent. */
export const MARKER_PAYEE = "marker";
export const MARKER_MODEL = "marker/model";
/** Owns the most popular model and sixteen or so others. */
export const LARGEST_PAYEE = "creator-0";

function ownerOf(rank: number): string {
  // The head of the list is spread over a few payees, the tail over all: some payees own many models.
  return `creator-${rank % (rank % 2 === 0 ? 30 : PAYEES)}`;
}

/** The versions that are in use: every fourth model has two at once. */
export function versionsOf(rank: number): string[] {
  const names = rank % 4 === 0 ? ["a", "b"] : ["a"];
  return names.map((name) =>
    createHash("sha256")
      .update(`${modelId(rank)} ${name}`)
      .digest("hex"),
  );
}

/** Has a share in every model, where the catalogue is loaded with it: nobody's page has more behind it. */
export const PARTNER = "partner";

export async function loadBenchCatalog(sql: Sql, { partner = false } = {}): Promise<void> {
  await openCatalogStore(sql).change(CatalogDocument.parse(benchCatalog({ partner })));
}

/** A marketplace of 500 models, 1,000 customers in 6 countries and 60 payees, with royalties, shares and cost steps. */
export function benchCatalog({ partner = false } = {}): object {
  const ranks = Array.from({ length: MODELS }, (_, rank) => rank);
  return {
    payees: [...Array.from({ length: PAYEES }, (_, n) => `creator-${n}`), MARKER_PAYEE, PARTNER].map(
      (id) => ({
        id,
        name: id,
        country: "US",
        default_currency: "USD",
      }),
    ),
    models: [
      ...ranks.map((rank) => ({ id: modelId(rank), payee: ownerOf(rank), base_model: baseOf(rank) })),
      { id: MARKER_MODEL, payee: MARKER_PAYEE },
    ],
    customers: Array.from({ length: CUSTOMERS }, (_, rank) => ({
      id: customerId(rank),
      name: customerId(rank),
      currency: "USD",
      country: COUNTRIES[rank % COUNTRIES.length],
      // A few creators run models as customers: their own part of that goes to the platform.
      ...(rank % 200 === 7 ? { payee: `creator-${rank % PAYEES}` } : {}),
    })),
    policies: ranks.flatMap((rank) => policyOf(rank, partner ? [PARTNER] : [])),
    prices: [...ranks.map((rank) => priceOf(modelId(rank), rank)), priceOf(MARKER_MODEL, 1)],
  };
}

function baseOf(rank: number): string | null {
  return rank >= 100 && rank % 5 === 0 ? modelId(rank % BASES) : null;
}

function policyOf(rank: number, partners: string[]): object[] {
  const platform = { take: "platform", percent: "20" };
  const shares = (...payees: string[]) => ({
    take: "shares",
    shares: [...new Set([...payees, ...partners])].map((payee, index) => ({ payee, weight: 3 - index })),
  });
  const owner = ownerOf(rank);
  const steps = (...list: object[]) => [{ model: modelId(rank), effective_from: FROM, steps: list }];
  if (baseOf(rank) !== null) return steps(platform, { take: "royalty", percent: "10" }, shares(owner));
  if (rank % 7 === 3) return steps(platform, shares(owner, `creator-${(rank + 1) % PAYEES}`));
  if (rank % 25 !== 1) return partners.length > 0 ? steps(platform, shares(owner)) : [];
  const cost = { take: "cost", meter: "predict_seconds", amount: "0.0006", per: "1", currency: "USD" };
  return steps(cost, platform, shares(owner));
}

function priceOf(model: string, rank: number): object {
  const cents = 5 + (rank % 90);
  const tokens = [
    { meter: "input_tokens", amount: (cents / 100).toFixed(2), per: "1000000" },
    { meter: "output_tokens", amount: (cents / 25).toFixed(2), per: "1000000" },
  ];
  const time = { meter: "predict_seconds", amount: "0.000225", per: "1" };
  return {
    model,
    currency: "USD",
    effective_from: FROM,
    components: rank % 5 === 4 ? [...tokens, time] : tokens,
  };
}
