import { resolve } from "node:path";
import { z } from "zod";
import { isCurrency, parseNanos, present } from "../kernel/index.ts";
import { isDatabaseUrl } from "../postgres/index.ts";

const flag = z
  .enum(["on", "off"])
  .default("off")
  .transform((text) => text === "on");
const wholeNumber = (what: string, min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,12}$/, what)
    .transform(Number)
    .refine((n) => n >= min && n <= max, what);

/** Of a server that only this machine reaches. */
export function isLoopback(url: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url).hostname);
}

function isSafe(url: string): boolean {
  return new URL(url).protocol === "https:" || isLoopback(url);
}

/** What it serves when it serves every address: no place where anybody could ask for it. */
const EVERYWHERE: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

export function isEverywhere(host: string): boolean {
  return Object.hasOwn(EVERYWHERE, host);
}

/** Where a server answers, seen from this machine; an IPv6 address stands in brackets. */
export function urlAt(host: string, port: number): string {
  const at = EVERYWHERE[host] ?? host;
  return `http://${at.includes(":") ? `[${at}]` : at}:${port}`;
}

function limitOf(text: string): [currency: string, nanos: bigint] {
  const [currency = "", amount = ""] = text.split("=");
  return [currency, present(parseNanos(amount), "an amount")];
}

const limits = z
  .string()
  .regex(
    /^[A-Z]{3}=\d{1,18}(\.\d{1,9})?(,[A-Z]{3}=\d{1,18}(\.\d{1,9})?)*$/,
    "currency=amount, several with commas between: USD=100000.00",
  )
  .transform((text) => new Map(text.split(",").map(limitOf)))
  .refine((found) => [...found.keys()].every(isCurrency), "limits in currencies of ISO 4217")
  .optional();

function scheduleOf(text: string): { day: number; minuteOfDay: number } {
  const [day = "", time = ""] = text.split(" ");
  const [hours = "", minutes = ""] = time.split(":");
  return { day: Number(day), minuteOfDay: Number(hours) * 60 + Number(minutes) };
}

/** Every environment variable this software reads, with what it expects. An empty one counts as not set. */
const Variables = z.object({
  PORT: wholeNumber("a port from 0 to 65535", 0, 65_535).default(8787),
  HOST: z
    .string()
    .refine((host) => URL.canParse(urlAt(host, 80)), "a name or an address, such as 0.0.0.0 or ::1")
    .default("127.0.0.1"),
  PUBLIC_URL: z.url("the URL under which this service is reached").optional(),
  DATA_DIR: z.string().default(".tributary"),
  DATABASE_URL: z
    .string()
    .refine(
      isDatabaseUrl,
      "a PostgreSQL URL, postgres://user:password@host:5432/database; in the password / # % ? and @ are written %2F %23 %25 %3F %40",
    )
    .optional(),
  DATABASE_WAIT_SECONDS: wholeNumber("seconds from 0 to 3600", 0, 3600).default(60),
  KAFKA_BROKERS: z
    .string()
    .regex(/^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$/, "host:port, several with commas between")
    .transform((text) => text.split(","))
    .optional(),
  USAGE_PARTITIONS: wholeNumber("a number of partitions from 1 to 1024", 1, 1024).default(4),
  STRIPE_SECRET_KEY: z
    .string()
    .regex(/^(sk|rk)_(test|live)_\w+$/, "a Stripe secret key, sk_test_… or sk_live_…")
    .optional(),
  STRIPE_WEBHOOK_SECRET: z
    .string()
    .regex(
      /^whsec_[^\s,]+(,whsec_[^\s,]+)*$/,
      "a webhook's signing secret, whsec_…; several with commas between",
    )
    .transform((text) => text.split(","))
    .default([]),
  STRIPE_API_BASE: z.url("the base URL of a Stripe API").optional(),
  STRIPE_SIMULATOR_PORT: wholeNumber("a port from 0 to 65535", 0, 65_535).default(12_111),
  STRIPE_TIMEOUT_MS: wholeNumber("milliseconds from 100 to 120000", 100, 120_000).default(30_000),
  MASTER_KEY: z
    .string()
    .regex(
      /^[A-Za-z0-9+/]{43}=(,[A-Za-z0-9+/]{43}=)*$/,
      "32 random bytes in base64 (openssl rand -base64 32); the current one first, older ones after a comma",
    )
    .transform((text) => text.split(",").map((key) => Buffer.from(key, "base64")))
    .optional(),
  PAYLOAD_RETENTION_DAYS: wholeNumber("days from 0 to 36500", 0, 36_500).default(30),
  REPLICATE_WEBHOOK_SECRET: z
    .string()
    .regex(
      /^whsec_[^\s,]+(,whsec_[^\s,]+)*$/,
      "Replicate's signing secret, whsec_…; several with commas between",
    )
    .transform((text) => text.split(","))
    .default([]),
  OPERATOR_KEY: z
    .string()
    .min(32, "a string of 32 characters or more")
    .max(512, "a string of 32 to 512 characters")
    .optional(),
  PROXY_HOPS: wholeNumber("proxies from 0 to 10", 0, 10).default(0),
  RATE_LIMIT_PER_MINUTE: wholeNumber("requests from 1 to 1000000", 1, 1_000_000).optional(),
  WEBHOOK_ALLOWED_HOSTS: z
    .string()
    .regex(/^[^\s,:/]+(,[^\s,:/]+)*$/, "host names or IPv4 addresses with commas between")
    .default("")
    .transform((text) => new Set(text.split(",").filter((host) => host !== ""))),
  WEBHOOK_INTERVAL_MS: wholeNumber("milliseconds from 50 to 3600000", 50, 3_600_000).default(1_000),
  SMTP_URL: z
    .string()
    .regex(/^smtps?:\/\/[^\s/]+\/?(\?\S*)?$/, "an SMTP URL, smtps://user:password@host:465")
    .refine(
      (text) => URL.canParse(text),
      "an SMTP URL; in the password / # % ? and @ are written %2F %23 %25 %3F %40",
    )
    .optional(),
  MAIL_FROM: z
    .string()
    .regex(/^[^\r\n]*[^\s@<>]+@[^\s@<>]+>?$/, "an address, or Name <address>")
    .default("Tributary <no-reply@localhost>"),
  MAIL_INTERVAL_MS: wholeNumber("milliseconds from 50 to 3600000", 50, 3_600_000).default(1_000),
  OIDC_ISSUER: z
    .url("the URL of an OpenID provider")
    .refine(isSafe, "https, or http on this machine alone")
    .optional(),
  OIDC_CLIENT_ID: z.string().optional(),
  OIDC_CLIENT_SECRET: z.string().optional(),
  PLATFORM_NAME: z.string().max(200).default("Tributary"),
  PLATFORM_ADDRESS: z
    .string()
    .max(500)
    .default("")
    .transform((text) => text.split(/\n|\\n/).filter((line) => line !== "")),
  PLATFORM_TAX_ID: z.string().max(64).optional(),
  TWO_PERSON_APPROVAL: flag,
  PAYOUT_TOTAL_LIMITS: limits,
  CORRECTION_APPROVAL_LIMITS: limits,
  SETTLE_SCHEDULE: z
    .string()
    .regex(
      /^([1-9]|1\d|2[0-8]) ([01]\d|2[0-3]):[0-5]\d$/,
      "a day of the month from 1 to 28 and a time in UTC: 2 06:00",
    )
    .transform(scheduleOf)
    .optional(),
  CLOSE_GRACE: wholeNumber("seconds from 0 to 604800", 0, 604_800).default(3600),
  CLOSE_WAIT_SECONDS: wholeNumber("seconds from 1 to 3600", 1, 3600).default(120),
  ACCRUAL_INTERVAL_MS: wholeNumber("milliseconds from 50 to 3600000", 50, 3_600_000).default(10_000),
  IDENTITY_HORIZON_DAYS: wholeNumber("days from 45 to 36500", 45, 36_500).optional(),
  PROGRESS_LIMIT_SECONDS: wholeNumber("seconds from 1 to 86400", 1, 86_400).default(60),
  LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
});

const Settings = Variables.refine(
  ({ OIDC_ISSUER, OIDC_CLIENT_ID }) => (OIDC_ISSUER === undefined) === (OIDC_CLIENT_ID === undefined),
  { path: ["OIDC_CLIENT_ID"], error: "set together with OIDC_ISSUER" },
);

export type Config = z.infer<typeof Variables>;

/** What keeps a process from its work and people can mend, in words that name the setting. */
export class CannotStart extends Error {
  override name = "CannotStart";
}

/** A setting that cannot work, named, with what it should be. */
export class ConfigInvalid extends CannotStart {
  override name = "ConfigInvalid";
}

/** @throws ConfigInvalid naming each variable that is wrong and what it expects; values are not shown, they may be secrets */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const set = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ""),
  );
  const parsed = Settings.safeParse(set);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `${issue.path.join(".")} must be ${describe(issue)}`);
    throw new ConfigInvalid(`the configuration does not work:\n  ${lines.join("\n  ")}`);
  }
  return { ...parsed.data, DATA_DIR: resolve(parsed.data.DATA_DIR) };
}

function describe(issue: z.core.$ZodIssue): string {
  return issue.code === "invalid_value" ? `one of ${issue.values.join(", ")}` : issue.message;
}

/** The marketplace itself, as it stands on documents. */
export function platformOf(config: Config): { name: string; addressLines: string[]; taxId: string | null } {
  return {
    name: config.PLATFORM_NAME,
    addressLines: config.PLATFORM_ADDRESS,
    taxId: config.PLATFORM_TAX_ID ?? null,
  };
}
