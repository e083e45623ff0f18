import { once } from "node:events";
import type { Response } from "express";
import { z } from "zod";
import { Id, ModelId, Time } from "../../catalog/index.ts";
import { parseInstant, present, Refusal } from "../../kernel/index.ts";
import {
  EXPORT_COLUMNS,
  EXPORTED_MAX,
  exportedPredictions,
  measureExport,
  writeParquet,
} from "../../predictions/index.ts";
import type { PredictionRange } from "../../statements/index.ts";
import type { Principal } from "../keys/principal.ts";
import { defineRoute, type Route } from "../route.ts";

const PARQUET = "application/vnd.apache.parquet";
/** Each holds some ten megabytes and reads without a pause. */
const AT_ONCE_MAX = 2;
/** A file takes about so long. */
const RETRY_AFTER_SECONDS = 60;

const Asked = z.object({
  from: Time.meta({ description: "By when they were made; half-open." }),
  to: Time,
  model: ModelId.optional(),
  customer: Id.optional().meta({ description: "Operators only: a customer gets its own in any case." }),
});

/** Who reads nothing for so long keeps others waiting for nothing. */
const READ_WITHIN_MS = 30_000;

const writing = new Map<Response, string>();

const getExport = defineRoute({
  method: "get",
  path: "/exports/predictions",
  summary:
    "Predictions one by one as a Parquet file, for DuckDB or pandas (docs/prediction-export.md): a customer's own, those that a payee earns of, or everybody's. As JSON: how many they are at most, and the columns",
  roles: ["operator", "payee", "customer"],
  // A file takes longer than a connection for one payee is lent: the range alone says whose predictions are read.
  asOwner: true,
  query: Asked,
  offers: [PARQUET],
  response: z
    .object({
      predictions: z.int().meta({ description: "At most: those of whole days are counted." }),
      predictions_max: z.int().meta({ description: "So many go into one file." }),
      columns: z.array(z.object({ name: z.string(), type: z.string() })),
    })
    .meta({ id: "PredictionExport" }),
  async handle({ query, principal, context, accepts }, request) {
    const range = rangeFor(principal, query);
    const size = await measureExport(context.sql, range);
    if (accepts !== PARQUET) {
      const sizes = { predictions: size.events, predictions_max: EXPORTED_MAX };
      return { body: { ...sizes, columns: EXPORT_COLUMNS } };
    }
    const own = [...writing.values()].includes(principal.id);
    if (own || writing.size >= AT_ONCE_MAX) {
      request.res?.setHeader("Retry-After", `${RETRY_AFTER_SECONDS}`);
      throw new Refusal(
        "too_many_requests",
        own
          ? "an export is being written for you: wait until it is there, or break it off"
          : `${AT_ONCE_MAX} exports are being written: ask again in a minute`,
      );
    }
    return {
      body: null,
      stream(response) {
        writing.set(response, principal.id);
        response.on("close", () => writing.delete(response));
        beginFile(response);
        writeParquet(exportedPredictions(context.sql, range, size), (bytes) => send(response, bytes)).then(
          () => response.end(),
          (error) => {
            if (!response.destroyed) context.logger.error({ err: error }, "an export was broken off");
            // Without its end nobody can take it for the whole file.
            response.destroy();
          },
        );
      },
    };
  },
});

/** @throws Refusal parameter_invalid, role_not_allowed */
function rangeFor({ role, payee, customer }: Principal, asked: z.infer<typeof Asked>): PredictionRange {
  if (asked.customer !== undefined && role !== "operator" && asked.customer !== customer)
    throw new Refusal(
      "role_not_allowed",
      "customer: leave it out; only an operator exports another one's predictions",
    );
  return {
    from: present(parseInstant(asked.from), "a time"),
    to: present(parseInstant(asked.to), "a time"),
    model: asked.model ?? null,
    customer: role === "customer" ? customer : (asked.customer ?? null),
    payee: role === "payee" ? payee : null,
  };
}

function beginFile(response: Response): void {
  response.status(200).setHeader("Content-Type", PARQUET);
  response.setHeader("Cache-Control", "private, no-store");
  response.setHeader("Content-Disposition", 'attachment; filename="predictions.parquet"');
}

/** Waits for who reads: nothing piles up for a slow one. @throws Error when it is gone, or does not read */
async function send(response: Response, bytes: Uint8Array): Promise<void> {
  if (response.destroyed) throw new Error("the reader is gone");
  if (response.write(bytes)) return;
  const gone = new AbortController();
  const leave = () => gone.abort(new Error("the reader is gone"));
  const enough = setTimeout(leave, READ_WITHIN_MS);
  response.once("close", leave);
  try {
    await once(response, "drain", { signal: gone.signal });
  } finally {
    clearTimeout(enough);
    response.off("close", leave);
  }
}

export const exportRoutes: Route[] = [getExport];
