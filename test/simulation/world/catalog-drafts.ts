import type { OracleCatalog, OracleStep } from "../../oracle/shapes.ts";
import type { Random } from "../random.ts";
import { type Clock, DAY_MS, HOUR_MS } from "./clock.ts";

const PAYEES = ["ada", "ben", "cyd", "dan", "eve"];
const KNOWN_MODELS = ["ada/base", "ben/tune", "cyd/tune-of-tune", "dan/euro"];
const LATER_MODELS = ["eve/new", "ada/newer"];
const KNOWN_CUSTOMERS = ["acme", "globex", "linked", "euro-shop"];
const LATER_CUSTOMERS = ["latecomer", "euro-latecomer"];
const LONG_AGO = "2023-01-01T00:00:00Z";

export const EVER_NAMED = {
  // What is known from the beginning is used most.
  models: [...KNOWN_MODELS, ...KNOWN_MODELS, ...LATER_MODELS],
  customers: [...KNOWN_CUSTOMERS, ...KNOWN_CUSTOMERS, ...KNOWN_CUSTOMERS, ...LATER_CUSTOMERS],
};

/** Documents of a catalogue that grows and changes while usage comes in. */
export class CatalogDrafts {
  readonly #random: Random;
  readonly #clock: Clock;
  #unknownModels = [...LATER_MODELS];
  #unknownCustomers = [...LATER_CUSTOMERS];

  constructor(random: Random, clock: Clock) {
    this.#random = random;
    this.#clock = clock;
  }

  first(): OracleCatalog & { payees: object[] } {
    const customers = [
      { id: "acme", name: "acme", currency: "USD", country: "US" },
      { id: "globex", name: "globex", currency: "USD", country: "DE" },
      { id: "linked", name: "linked", currency: "USD", payee: "ben" },
      { id: "euro-shop", name: "euro-shop", currency: "EUR" },
    ];
    return {
      payees: PAYEES.map((id, index) => ({
        id,
        name: id,
        country: "US",
        default_currency: id === "dan" ? "EUR" : "USD",
        // One has no account yet, one is paid from twenty dollars on.
        ...(index === 4 ? {} : { stripe_account: `acct_${id}` }),
        ...(index === 1 ? { minimum_payout: "20.00" } : {}),
      })),
      models: [
        { id: "ada/base", payee: "ada" },
        { id: "ben/tune", payee: "ben", base_model: "ada/base" },
        { id: "cyd/tune-of-tune", payee: "cyd", base_model: "ben/tune" },
        { id: "dan/euro", payee: "dan" },
      ],
      customers,
      policies: KNOWN_MODELS.filter(() => this.#random.chance(0.7)).map((model) =>
        this.#policy(model, LONG_AGO),
      ),
      prices: KNOWN_MODELS.flatMap((model) => this.#prices(model, LONG_AGO)),
    };
  }

  /** Undefined when there is nothing left to tell. */
  next(): OracleCatalog | undefined {
    const random = this.#random;
    const model = random.pick(KNOWN_MODELS);
    switch (random.below(6)) {
      case 0:
        return { prices: this.#prices(model, this.#soon()).slice(0, 1) };
      case 1:
        return { policies: [this.#policy(model, this.#soon())] };
      case 2:
        return this.#newModel(this.#unknownModels.shift());
      case 3:
        return this.#newCustomer(this.#unknownCustomers.shift());
      case 4:
        return { customers: [this.#customer(random.pick(["acme", "linked"]), this.#soon())] };
      default:
        return {
          models: [
            {
              id: "cyd/tune-of-tune",
              payee: random.pick(PAYEES),
              base_model: this.#base(),
              effective_from: this.#soon(),
            },
          ],
        };
    }
  }

  /** Mostly ahead of all usage; now and then in the past, where it may have to be refused. */
  #soon(): string {
    const ahead = this.#random.chance(0.75)
      ? this.#random.below(5 * DAY_MS)
      : -this.#random.below(12 * HOUR_MS);
    const micros = String(this.#random.below(1000)).padStart(3, "0");
    return new Date(this.#clock.nowMs + ahead).toISOString().replace("Z", `${micros}Z`);
  }

  #base(): string | null {
    return this.#random.pick(["ada/base", "ben/tune", null]);
  }

  #customer(id: string, from?: string) {
    const payee = this.#random.pick([undefined, "ada", "cyd"]);
    return {
      id,
      name: id,
      currency: id.startsWith("euro") ? "EUR" : "USD",
      country: this.#random.pick(["US", "JP"]),
      ...(payee === undefined ? {} : { payee }),
      ...(from === undefined ? {} : { effective_from: from }),
    };
  }

  #newModel(id: string | undefined): OracleCatalog | undefined {
    if (id === undefined) return undefined;
    return {
      models: [{ id, payee: id.split("/")[0] ?? "", base_model: this.#base() }],
      policies: [this.#policy(id, LONG_AGO)],
      prices: this.#prices(id, LONG_AGO),
    };
  }

  #newCustomer(id: string | undefined): OracleCatalog | undefined {
    return id === undefined ? undefined : { customers: [this.#customer(id)] };
  }

  #prices(model: string, from: string) {
    return ["USD", "EUR"].map((currency) => ({
      model,
      currency,
      effective_from: from,
      ...(this.#random.chance(0.3) ? { charge_statuses: ["succeeded"] } : {}),
      // In the order of the meters' numbers: in any other, the catalogue takes the same document for another version.
      components: [
        {
          meter: "predict_seconds",
          amount: this.#random.pick(["0.000975", "0.1"]),
          per: "1",
          max_per_event: "30",
        },
        { meter: "input_tokens", amount: this.#random.pick(["0.65", "0.333333", "7"]), per: "10000" },
        ...(this.#random.chance(0.5) ? [{ meter: "output_tokens", amount: "2.75", per: "1000" }] : []),
      ],
    }));
  }

  #policy(model: string, from: string): { model: string; effective_from: string; steps: OracleStep[] } {
    const random = this.#random;
    const of: "remaining" | "gross" = random.chance(0.3) ? "remaining" : "gross";
    const payees = random.shuffled(PAYEES).slice(0, 1 + random.below(3));
    return {
      model,
      effective_from: from,
      steps: [
        ...(random.chance(0.4)
          ? [
              {
                take: "cost" as const,
                meter: "predict_seconds",
                amount: random.pick(["0.000975", "0.05"]),
                per: "1",
              },
            ]
          : []),
        { take: "platform", percent: random.pick(["20", "12.5", "0"]), of },
        ...(random.chance(0.6)
          ? [{ take: "royalty" as const, percent: random.pick(["5", "33.333"]), of }]
          : []),
        {
          take: "shares",
          shares: payees.map((payee, index) => ({ payee, weight: index === 0 ? 7 : random.below(9) })),
        },
      ],
    };
  }
}
