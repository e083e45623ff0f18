import { z } from "zod";
import { Id } from "../../catalog/index.ts";
import { parsePeriod, present, Refusal } from "../../kernel/index.ts";
import { Currency } from "../../pricing/index.ts";
import {
  keptPaper,
  type StatementDocument,
  type StoredStatement,
  statementDocuments,
  statementPdf,
  statementsCsv,
  storedStatements,
  taxReports,
  taxReportsCsv,
  toStatement,
} from "../../statements/index.ts";
import type { AppContext } from "../context.ts";
import { defineRoute, type Route, type RouteAnswer } from "../route.ts";
import { Money, PageQuery, PeriodText, page, pageOf } from "../schemas.ts";
import { visiblePayee } from "./payees.ts";

const readers = ["operator", "payee"] as const;
const PayeePath = z.object({ id: Id });
const NDJSON = "application/x-ndjson";
const Year = z
  .string()
  .regex(/^[1-9]\d{3}$/, 'a year such as "2023"')
  .meta({ example: "2023" });

export const StatementView = z
  .object({
    period: z.string(),
    payee: z.string(),
    currency: z.string(),
    opening: Money,
    earned: Money,
    adjustments: Money,
    held: Money,
    released: Money,
    converted: Money,
    netted: Money.meta({ description: "What the payee used as a customer, paid out of these earnings." }),
    paid: Money,
    closing: Money,
    hash: z
      .string()
      .meta({ description: "SHA-256 of the canonical JSON (RFC 8785) of all the other fields." }),
    lines: z.array(
      z.object({
        model: z.string(),
        reason: z.string(),
        paid_by: z.string(),
        service_month: z.string(),
        events: z.string(),
        gross: Money,
        share: z.string(),
        earned: Money,
      }),
    ),
    conversions: z.array(
      z.object({ id: z.string(), from: Money, to: Money, rate: z.string(), source: z.string() }),
    ),
  })
  .meta({ id: "Statement" });

const ListedStatement = StatementView.partial({ lines: true, conversions: true }).meta({
  id: "ListedStatement",
  description: "Without lines and conversions where `lines=none` was asked for.",
});

const listStatements = defineRoute({
  method: "get",
  path: "/payees/{id}/statements",
  summary:
    "A payee's statements, newest first; all of a year as one table (text/csv) or line by line (application/x-ndjson)",
  roles: readers,
  params: PayeePath,
  query: PageQuery.extend({
    year: Year.optional(),
    lines: z.enum(["all", "none"]).default("all").meta({ description: "none: only what they come to." }),
  }),
  offers: ["text/csv", NDJSON],
  response: pageOf(ListedStatement),
  async handle({ params, query, principal, context, accepts }) {
    await visiblePayee(context, principal, params.id);
    if (query.year !== undefined) return yearOf(context, params.id, query.year, accepts);
    if (accepts !== "application/json")
      throw new Refusal("parameter_invalid", "year: name the year to export");
    if (
      query.cursor !== undefined &&
      (!/ [A-Z]{3}$/.test(query.cursor) || parsePeriod(query.cursor.slice(0, -4)) === undefined)
    ) {
      throw new Refusal("parameter_invalid", "cursor: the next_cursor of an earlier answer");
    }
    const statements = await storedStatements(context.sql, params.id, {
      limit: query.limit + 1,
      before: query.cursor,
      lines: query.lines,
    });
    const { data, next_cursor } = page(
      statements,
      query.limit,
      ({ period, currency }) => `${period} ${currency}`,
    );
    return { body: null, written: listOf(data, next_cursor) };
  },
});

/** Statements are sent as they are stored, byte by byte what their hash is of, so nothing reads them on the way. */
function listOf(statements: readonly StoredStatement[], nextCursor: string | null): Buffer[] {
  const data = statements.flatMap(({ json }, n) => (n === 0 ? [json] : [Buffer.from(","), json]));
  return [Buffer.from('{"data":['), ...data, Buffer.from(`],"next_cursor":${JSON.stringify(nextCursor)}}`)];
}

/** A year has at most twelve statements a currency: they come all at once, the oldest first. */
async function yearOf(
  context: AppContext,
  payee: string,
  year: string,
  accepts: string,
): Promise<RouteAnswer> {
  const newestFirst = await storedStatements(context.sql, payee, { year });
  const statements = newestFirst.sort(
    (a, b) => compare(a.period, b.period) || compare(a.currency, b.currency),
  );
  if (accepts === "application/json") return { body: null, written: listOf(statements, null) };
  const name = `statements-${payee}-${year}`;
  if (accepts === NDJSON) {
    const bytes = Buffer.concat(statements.flatMap(({ json }) => [json, Buffer.from("\n")]));
    return { body: null, file: { type: NDJSON, name: `${name}.ndjson`, bytes } };
  }
  const documents = await statementDocuments(context.sql, payee, statements);
  const bytes = await keptPaper(accepts, documents, context.platform, () =>
    Buffer.from(statementsCsv(documents.map(withLines))),
  );
  return { body: null, file: { type: "text/csv", name: `${name}.csv`, bytes } };
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Its JSON is taken apart only where a paper is made of it. */
const withLines = (document: StatementDocument<StoredStatement>): StatementDocument => ({
  ...document,
  statement: toStatement(document.statement),
});

async function fileOf(
  context: AppContext,
  payee: string,
  statement: StoredStatement,
  type: string,
): Promise<RouteAnswer> {
  const [document] = await statementDocuments(context.sql, payee, [statement]);
  const known = present(document, "the statement's document");
  const bytes = await keptPaper(type, [known], context.platform, () =>
    type === "text/csv"
      ? Buffer.from(statementsCsv([withLines(known)]))
      : statementPdf(withLines(known), context.platform),
  );
  const name = `statement-${statement.period}-${payee}-${statement.currency}`;
  return { body: null, file: { type, name: `${name}.${type === "text/csv" ? "csv" : "pdf"}`, bytes } };
}

const getStatement = defineRoute({
  method: "get",
  path: "/payees/{id}/statements/{period}",
  summary: "One statement; name the currency when there are several",
  roles: readers,
  params: PayeePath.extend({ period: PeriodText }),
  query: z.object({ currency: Currency.optional() }),
  offers: ["text/csv", "application/pdf"],
  response: StatementView,
  async handle({ params, query, principal, context, accepts }) {
    await visiblePayee(context, principal, params.id);
    const { period } = params;
    const statements = await storedStatements(context.sql, params.id, { period, currency: query.currency });
    const [statement, another] = statements;
    if (statement === undefined)
      throw new Refusal("not_found", `there is no statement of ${params.id} for ${params.period}`);
    if (another !== undefined) {
      const currencies = statements.map((each) => each.currency).join(", ");
      throw new Refusal("parameter_invalid", `currency: there are statements in ${currencies}; name one`);
    }
    return accepts === "application/json"
      ? { body: null, written: [statement.json] }
      : fileOf(context, params.id, statement, accepts);
  },
});

const MonthOfTax = z.object({
  period: z.string(),
  consideration: Money,
  transactions: z.string(),
  paid_out: Money,
});
const QuarterOfTax = z.object({
  quarter: z.string(),
  consideration: Money,
  transactions: z.string(),
  fees: Money,
  tax_withheld: Money,
});
const TaxReportView = z
  .object({
    year: z.string(),
    payee: z.string(),
    currency: z.string(),
    seller: z.object({
      name: z.string(),
      address: z.string().nullable(),
      tax_id: z.string().nullable(),
      country: z.string(),
      account: z.string().nullable(),
    }),
    closed_months: z.int(),
    consideration: Money,
    transactions: z.string(),
    fees: Money,
    tax_withheld: Money,
    paid_out: Money,
    months: z.array(MonthOfTax),
    quarters: z.array(QuarterOfTax),
  })
  .meta({
    id: "TaxReport",
    description: "A calendar year of the books, with the fields of Form 1099-K and DAC7.",
  });

const getTaxReports = defineRoute({
  method: "get",
  path: "/payees/{id}/tax-reports/{year}",
  summary: "A payee's year as tax forms ask for it, one report for each currency",
  roles: readers,
  params: PayeePath.extend({ year: Year }),
  offers: ["text/csv"],
  response: z.object({ data: z.array(TaxReportView) }),
  async handle({ params, principal, context, accepts }) {
    await visiblePayee(context, principal, params.id);
    const reports = await taxReports(context.sql, params.year, { payee: params.id, limit: 1000 });
    return accepts === "text/csv"
      ? taxFile(reports, `tax-report-${params.id}-${params.year}`)
      : { body: { data: reports } };
  },
});

const listTaxReports = defineRoute({
  method: "get",
  path: "/tax-reports/{year}",
  summary: "Every payee's year as tax forms ask for it, in pages; as text/csv all at once",
  roles: ["operator"],
  params: z.object({ year: Year }),
  query: PageQuery,
  offers: ["text/csv"],
  response: pageOf(TaxReportView),
  async handle({ params, query, context, accepts }) {
    const after = query.cursor === undefined ? {} : { after: query.cursor };
    if (accepts === "text/csv") {
      const all = await taxReports(context.sql, params.year, { limit: EVERYBODY_MAX });
      return taxFile(all, `tax-reports-${params.year}`);
    }
    const reports = await taxReports(context.sql, params.year, { limit: query.limit + 1, ...after });
    return { body: page(reports, query.limit, ({ payee, currency }) => `${payee} ${currency}`) };
  },
});

/** As many as a catalogue import takes. */
const EVERYBODY_MAX = 100_000;

function taxFile(reports: Parameters<typeof taxReportsCsv>[0], name: string): RouteAnswer {
  return { body: null, file: { type: "text/csv", name: `${name}.csv`, bytes: taxReportsCsv(reports) } };
}

export const statementRoutes: Route[] = [listStatements, getStatement, getTaxReports, listTaxReports];
