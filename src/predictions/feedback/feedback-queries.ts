import type { Sql } from "../../postgres/index.ts";
import type { DataKeys } from "../payloads/data-keys.ts";
import { type Feedback, type FeedbackRow, readFeedback } from "./feedback.ts";

export interface ExportedFeedback extends Feedback {
  prediction: string;
  source: string;
  customer: string;
  model: string;
  version: string | null;
}

/** Whose feedback is asked for, and of which model. */
export interface FeedbackFilter {
  customer?: string | undefined;
  model?: string | undefined;
}

type ExportRow = FeedbackRow & Record<"prediction" | "source" | "model" | "version" | "cursor", string>;

/** In order of the prediction's identity; `after` is the cursor of the last one seen. */
export async function exportFeedback(
  sql: Sql,
  keys: DataKeys,
  { customer, model }: FeedbackFilter,
  { limit, after }: { limit: number; after: string | undefined },
): Promise<(ExportedFeedback & { cursor: string })[]> {
  const [identity, ...author] = (after ?? "").split(":");
  const rows = await sql<ExportRow[]>`
    SELECT identity, author, prediction, source, customer, model, version, thumb, score, labels, key_no, comment,
      created_at, updated_at, identity || ':' || author AS cursor
    FROM prediction_feedback
    WHERE (${customer ?? null}::text IS NULL OR customer = ${customer ?? null})
      AND (${model ?? null}::text IS NULL OR model = ${model ?? null})
      AND (${after ?? null}::text IS NULL OR (identity, author) > (${identity || null}::uuid, ${author.join(":")}))
    ORDER BY identity, author LIMIT ${limit}`;
  return Promise.all(
    rows.map(async (row) => ({
      ...(await readFeedback(keys, row)),
      prediction: row.prediction,
      source: row.source,
      customer: row.customer,
      model: row.model,
      version: row.version || null,
      cursor: row.cursor,
    })),
  );
}

/** How a version is liked; counts are of authors, each of whom says one thing of a prediction. */
export interface FeedbackCounts {
  version: string | null;
  given: number;
  up: number;
  down: number;
  scored: number;
  /** Sum of the scores: with `scored`, any mean that is wanted. */
  score_sum: number;
  labels: Record<string, number>;
}

export async function countFeedback(sql: Sql, model: string): Promise<FeedbackCounts[]> {
  const rows = await sql<(Omit<FeedbackCounts, "version"> & { version: string })[]>`
    SELECT f.version, count(*)::int AS given, (count(*) FILTER (WHERE thumb = 1))::int AS up,
      (count(*) FILTER (WHERE thumb = -1))::int AS down, count(score)::int AS scored,
      coalesce(sum(score), 0)::int AS score_sum, coalesce((
        SELECT jsonb_object_agg(label, n) FROM (
          SELECT l.label, count(*) AS n FROM prediction_feedback x CROSS JOIN unnest(x.labels) AS l(label)
          WHERE x.model = ${model} AND x.version = f.version GROUP BY 1) AS counted), '{}') AS labels
    FROM prediction_feedback f WHERE f.model = ${model} GROUP BY f.version ORDER BY f.version`;
  return rows.map((row) => ({ ...row, version: row.version || null }));
}
