import { z } from "zod";
import { isPlainText, parseInstant, parseNanos } from "../kernel/index.ts";
import { Currency, PriceTerms } from "../pricing/index.ts";
import { PolicySteps } from "../sharing/index.ts";

export const Id = z
  .string()
  .regex(/^[A-Za-z0-9._@-]{1,64}$/, "1 to 64 letters, digits or . _ @ -")
  .meta({ example: "ada" });

export const ModelId = z
  .string()
  .regex(
    /^[A-Za-z0-9._@-]{1,64}\/[A-Za-z0-9._@-]{1,64}$/,
    "owner/name, each 1 to 64 letters, digits or . _ @ -",
  )
  .meta({ example: "meta/llama-3-8b" });

export const Time = z
  .string()
  .refine((text) => parseInstant(text) !== undefined, 'an RFC 3339 time such as "2023-11-01T00:00:00Z"')
  .meta({ example: "2023-11-01T00:00:00Z" });

const Name = z.string().min(1).max(200).refine(isPlainText, "text without control characters");
const Country = z
  .string()
  .regex(/^[A-Z]{2}$/, 'a two-letter ISO 3166 code in capitals, such as "US"')
  .meta({ example: "US" });

const StripeAccount = z.string().regex(/^acct_[A-Za-z0-9_]{1,64}$/, "a Stripe account id, acct_…");

const Address = z
  .string()
  .min(1)
  .max(500)
  .refine((text) => text.split("\n").every(isPlainText), "text without control characters but line ends")
  .meta({ example: "1 Main Street\nSpringfield, IL 62701\nUSA" });

/** Who a payee is to the tax office; stands on its statements. */
export const Legal = z
  .strictObject({
    name: Name,
    address: Address,
    tax_id: z.string().min(1).max(64).refine(isPlainText, "text without control characters").optional(),
  })
  .meta({ id: "Legal" });

export const PayeeTerms = z
  .strictObject({
    name: Name,
    country: Country,
    default_currency: Currency,
    stripe_account: StripeAccount.nullish().meta({
      description: "One payee's alone. Left out, it stays as it is; null takes it away.",
    }),
    legal: Legal.optional(),
    minimum_payout: z
      .string()
      .refine((text) => (parseNanos(text) ?? -1n) >= 0n, 'a decimal string such as "10.00", not negative')
      .optional(),
  })
  .meta({ id: "PayeeTerms" });

export const CustomerTerms = z
  .strictObject({
    name: Name,
    currency: Currency,
    country: Country.optional(),
    payee: Id.optional().meta({ description: "The payee this customer is linked to (self-dealing)." }),
    effective_from: Time.optional(),
  })
  .meta({ id: "CustomerTerms" });

export const ModelTerms = z
  .strictObject({
    payee: Id,
    base_model: ModelId.nullish(),
    effective_from: Time.optional(),
    royalty_terms: z.string().max(100).optional().meta({
      description:
        "The id of the base model's royalty terms, where it offers some: its payee accepts them by this. Not needed where it has accepted them itself.",
    }),
  })
  .meta({ id: "ModelTerms" });

export const PriceDocument = PriceTerms.extend({ effective_from: Time }).meta({ id: "Price" });
export const PolicyDocument = z
  .strictObject({ effective_from: Time, steps: PolicySteps })
  .meta({ id: "RevenuePolicy" });

/** Everything the catalogue can be told, in one document: applied whole or not at all. */
export const CatalogDocument = z
  .strictObject({
    payees: z
      .array(PayeeTerms.extend({ id: Id }))
      .max(100_000)
      .default([]),
    accounts: z
      .array(z.strictObject({ payee: Id, stripe_account: StripeAccount.nullable() }))
      .max(100_000)
      .default([])
      .meta({ description: "Stripe accounts of payees, and nothing else of them." }),
    models: z
      .array(ModelTerms.extend({ id: ModelId }))
      .max(100_000)
      .default([]),
    customers: z
      .array(CustomerTerms.extend({ id: Id }))
      .max(100_000)
      .default([]),
    policies: z
      .array(PolicyDocument.extend({ model: ModelId }))
      .max(100_000)
      .default([]),
    prices: z
      .array(PriceDocument.extend({ model: ModelId }))
      .max(100_000)
      .default([]),
  })
  .meta({ id: "CatalogDocument" });
export type CatalogDocument = z.infer<typeof CatalogDocument>;
