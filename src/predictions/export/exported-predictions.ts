import type { Sql } from "../../postgres/index.ts";
import {
  type PredictionRange,
  type RangeSize,
  type StoredPrediction,
  storedPredictions,
} from "../../statements/index.ts";
import { eventIdentity } from "../../usage/index.ts";

/** What is shown of what people thought of it; null where nobody said anything, or it is not shown to who asks. */
export interface GivenFeedback {
  up: number;
  down: number;
  scored: number;
  score_sum: number;
  labels: string[];
}

export interface ExportedPrediction extends Omit<StoredPrediction, "customer"> {
  /** Null for payees: who used their models is not told. */
  customer: string | null;
  feedback: GivenFeedback | null;
}

/** As `GET /v1/predictions/{id}` shows them: a payee sees no customer, and feedback only where the customer lets creators read. */
export async function* exportedPredictions(
  sql: Sql,
  range: PredictionRange,
  size: RangeSize,
): AsyncGenerator<ExportedPrediction[]> {
  for await (const predictions of storedPredictions(sql, range, size)) {
    const feedback = await feedbackOn(sql, predictions, range.payee !== null);
    yield predictions.map((one) => ({
      ...one,
      customer: range.payee === null ? one.customer : null,
      feedback: range.payee === null || one.creator ? (feedback.get(identityOf(one)) ?? null) : null,
    }));
  }
}

async function feedbackOn(
  sql: Sql,
  predictions: readonly StoredPrediction[],
  whereAllowed: boolean,
): Promise<Map<string, GivenFeedback>> {
  const rows = await sql<(GivenFeedback & { identity: string })[]>`
    SELECT replace(f.identity::text, '-', '') AS identity, (count(*) FILTER (WHERE thumb = 1))::int AS up,
      (count(*) FILTER (WHERE thumb = -1))::int AS down, count(score)::int AS scored,
      coalesce(sum(score), 0)::int AS score_sum,
      ARRAY(SELECT DISTINCT l FROM prediction_feedback x CROSS JOIN unnest(x.labels) AS l
            WHERE x.identity = f.identity ORDER BY 1) AS labels
    FROM prediction_feedback f
    WHERE f.identity = ANY (${predictions.map(identityOf)}::text[]::uuid[]) AND (NOT ${whereAllowed} OR f.customer IN (
      SELECT subject FROM payload_rule WHERE kind = 'customer' AND creators_read))
    GROUP BY f.identity`;
  return new Map(rows.map(({ identity, ...given }) => [identity, given]));
}

function identityOf({ source, id }: StoredPrediction): string {
  return eventIdentity(source, id);
}
