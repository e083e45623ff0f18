// The catalogue document and the event as contract.md and design.md show them; written down anew, not imported.

export type OracleStep =
  | { take: "cost"; meter: string; amount: string; per: string; currency?: string | undefined }
  | { take: "platform" | "royalty"; percent: string; of?: "gross" | "remaining" | undefined }
  | { take: "shares"; shares: readonly { payee: string; weight: number }[] };

interface Dated {
  /** Without it: from the beginning of time. */
  effective_from?: string | undefined;
}

export interface OraclePrice extends Dated {
  model: string;
  currency: string;
  charge_statuses?: readonly string[] | undefined;
  components: readonly {
    meter: string;
    amount: string;
    per: string;
    max_per_event?: string | undefined;
  }[];
}

/** The body of POST /v1/catalog/import; names, countries and accounts of payees do not matter here. */
export interface OracleCatalog {
  payees?: readonly { id: string }[];
  models?: readonly (Dated & { id: string; payee: string; base_model?: string | null | undefined })[];
  customers?: readonly (Dated & {
    id: string;
    currency: string;
    country?: string | undefined;
    payee?: string | undefined;
  })[];
  policies?: readonly (Dated & { model: string; steps: readonly OracleStep[] })[];
  prices?: readonly OraclePrice[];
}

/** A well-formed CloudEvent; its metrics may be bad. */
export interface OracleEvent {
  source: string;
  id: string;
  time: string;
  subject: string;
  data: {
    model: string;
    version?: string | null | undefined;
    status: string;
    metrics?: Readonly<Record<string, unknown>> | null | undefined;
  };
}
