import { contentHash, type Nanos, Refusal } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { planAndPost, refusalOf } from "../lines/post-adjustment.ts";
import { type CorrectionAsked, type PlannedCorrection, planCorrection } from "./plan-correction.ts";

export interface NewCorrection {
  asked: CorrectionAsked;
  /** The operator's name for it: the same one is proposed once. */
  reference: string;
  reason: string;
  by: string;
  /** By currency: what moves more needs somebody else's approval. */
  limits?: ReadonlyMap<string, Nanos> | undefined;
}

export interface CorrectionOutcome {
  id: string;
  state: "booked" | "needs_approval";
}

/**
 * Corrects by hand. Booked at once when it moves no more than the limit; otherwise it waits for somebody else's approval.
 * The same reference again changes nothing.
 * @throws Refusal not_found, period_not_closed, write_off_too_large, nothing_to_refund, adjustment_differs
 */
export async function correct(sql: Sql, wanted: NewCorrection): Promise<CorrectionOutcome> {
  const { asked, reference, reason, by, limits } = wanted;
  const id = `cor_${contentHash({ reference }).slice(0, 32)}`;
  const [known] = await sql<{ asked: CorrectionAsked; booked: boolean }[]>`
    SELECT asked, adjustment_no IS NOT NULL AS booked FROM correction WHERE id = ${id}`;
  if (known !== undefined) {
    if (contentHash(known.asked) !== contentHash(asked))
      throw new Refusal(
        "adjustment_differs",
        `this reference is taken by ${id}, which is another one: use a reference of its own`,
      );
    if (known.booked) return { id, state: "booked" };
  }
  const planned = await planCorrection(sql, asked);
  const limit = limits?.get(planned.currency);
  await sql`
    INSERT INTO correction (id, kind, currency, amount_nanos, limit_nanos, asked, reason, proposed_by)
    VALUES (${id}, ${asked.kind}, ${planned.currency}, ${planned.sizeNanos.toString()}, ${limit?.toString() ?? null},
      ${JSON.stringify(asked)}::text::jsonb, ${reason}, ${by})
    ON CONFLICT DO NOTHING`;
  if (limit !== undefined && planned.sizeNanos > limit) return { id, state: "needs_approval" };
  return book(sql, id, null);
}

/** Books a correction that waits, as somebody else than its author. Booked before, nothing. @throws Refusal */
export async function approveCorrection(sql: Sql, id: string, by: string): Promise<CorrectionOutcome> {
  const [row] = await sql<{ author: string; same: boolean; booked: boolean }[]>`
    SELECT proposed_by AS author, same_person(proposed_by, ${by}) AS same, adjustment_no IS NOT NULL AS booked
    FROM correction WHERE id = ${id}`;
  if (row === undefined) throw new Refusal("not_found", `there is no correction ${id}`);
  if (row.same)
    throw new Refusal(
      "approver_made_plan",
      `${row.author} proposed this correction; another person must approve it (a key counts as who made it)`,
    );
  return row.booked ? { id, state: "booked" } : book(sql, id, by);
}

async function book(sql: Sql, id: string, approvedBy: string | null): Promise<CorrectionOutcome> {
  const [row] = await sql<[{ asked: CorrectionAsked; reason: string; author: string }]>`
    SELECT asked, reason, proposed_by AS author FROM correction WHERE id = ${id}`;
  try {
    await planAndPost(sql, async () => {
      const { currency, corrects, body } = await planCorrection(sql, row.asked);
      return {
        ...{ kind: row.asked.kind, reference: id, reason: row.reason, by: row.author, currency, corrects },
        ...{ asked: row.asked, correction: id, approved_by: approvedBy },
        ...body,
      };
    });
  } catch (error) {
    // It came to more than it was when it was proposed: then it waits.
    if (error instanceof Refusal && error.code === "correction_needs_approval" && approvedBy === null)
      return { id, state: "needs_approval" };
    throw refusalOf(error);
  }
  return { id, state: "booked" };
}

/** What a correction would do now, for a person; writes nothing. @throws Refusal */
export async function draftCorrection(sql: Sql, asked: CorrectionAsked): Promise<PlannedCorrection> {
  return planCorrection(sql, asked);
}
