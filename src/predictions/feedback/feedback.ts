import type { Sql } from "../../postgres/index.ts";
import { redactText } from "../../secrets/index.ts";
import { eventIdentity } from "../../usage/index.ts";
import type { DataKeys } from "../payloads/data-keys.ts";
import { open, seal } from "../payloads/vault.ts";

/** What somebody says of a prediction. */
export interface Opinion {
  thumb: "up" | "down" | null;
  /** 0 to 100. */
  score: number | null;
  labels: string[];
  text: string | null;
}

export interface Feedback extends Opinion {
  /** The end user, as the customer names it; null for the customer itself. */
  author: string | null;
  created_at: string;
  updated_at: string;
}

/** The prediction that it is about. */
export interface FeedbackSubject {
  source: string;
  id: string;
  customer: string;
  model: string;
  version: string | null;
  hardware: string | null;
}

/** Sets what an author thinks, once for each author; again, it takes the place of what was said before. */
export async function setFeedback(
  sql: Sql,
  keys: DataKeys,
  about: FeedbackSubject,
  author: string | null,
  opinion: Opinion,
): Promise<Feedback> {
  const identity = eventIdentity(about.source, about.id);
  const key = opinion.text === null ? undefined : await keys.current(about.customer);
  const text = opinion.text === null ? null : Buffer.from(redactText(opinion.text));
  const comment =
    key === undefined || text === null
      ? null
      : seal(key.bytes, text, aboutText(about.customer, identity, author));
  const thumb = opinion.thumb === null ? null : opinion.thumb === "up" ? 1 : -1;
  const labels = opinion.labels.map((label) => redactText(label));
  await sql`
    INSERT INTO prediction_feedback (identity, author, source, prediction, customer, model, version, hardware, thumb, score,
      labels, key_no, comment)
    VALUES (${identity}, ${author ?? ""}, ${about.source}, ${about.id}, ${about.customer}, ${about.model},
      ${about.version ?? ""}, ${about.hardware ?? ""}, ${thumb}, ${opinion.score},
      (SELECT coalesce(array_agg(l ORDER BY n), '{}') FROM jsonb_array_elements_text(${JSON.stringify(labels)}::text::jsonb)
        WITH ORDINALITY AS x(l, n)),
      ${key?.keyNo ?? null}, ${comment})
    ON CONFLICT (identity, author) DO UPDATE SET thumb = excluded.thumb, score = excluded.score, labels = excluded.labels,
      key_no = excluded.key_no, comment = excluded.comment, updated_at = clock_timestamp()`;
  const all = await feedbackOf(sql, keys, about);
  const [own] = all.filter((one) => one.author === author);
  if (own === undefined) throw new Error("feedback was deleted while it was written");
  return own;
}

/** Answers whether there was any. */
export async function withdrawFeedback(
  sql: Sql,
  { source, id }: Pick<FeedbackSubject, "source" | "id">,
  author: string | null,
): Promise<boolean> {
  const deleted = await sql`
    DELETE FROM prediction_feedback
    WHERE identity = ${eventIdentity(source, id)} AND author = ${author ?? ""} RETURNING 1`;
  return deleted.length > 0;
}

/** What was said of one prediction, oldest first. */
export async function feedbackOf(
  sql: Sql,
  keys: DataKeys,
  { source, id }: Pick<FeedbackSubject, "source" | "id">,
): Promise<Feedback[]> {
  const rows = await sql<FeedbackRow[]>`
    SELECT identity, author, customer, thumb, score, labels, key_no, comment, created_at, updated_at
    FROM prediction_feedback WHERE identity = ${eventIdentity(source, id)} ORDER BY created_at, author`;
  return Promise.all(rows.map((row) => readFeedback(keys, row)));
}

export interface FeedbackRow {
  identity: string;
  author: string;
  customer: string;
  thumb: number | null;
  score: number | null;
  labels: string[];
  key_no: number | null;
  comment: Buffer | null;
  created_at: Date;
  updated_at: Date;
}

export async function readFeedback(keys: DataKeys, row: FeedbackRow): Promise<Feedback> {
  const author = row.author === "" ? null : row.author;
  const key = row.key_no === null ? undefined : await keys.find(row.customer, row.key_no);
  const text =
    key === undefined || row.comment === null
      ? null
      : open(key, row.comment, aboutText(row.customer, row.identity, author)).toString();
  return {
    author,
    thumb: row.thumb === null ? null : row.thumb > 0 ? "up" : "down",
    score: row.score,
    labels: row.labels,
    text,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}

function aboutText(customer: string, identity: string, author: string | null): string[] {
  return ["feedback", customer, identity.replaceAll("-", ""), author ?? ""];
}
