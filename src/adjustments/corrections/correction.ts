import { amountInWords, contentHash, money, type Nanos, Refusal } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { planAndPost, refusalOf, withdrawn } from "../lines/post-adjustment.ts";
import { type CorrectionAsked, type PlannedCorrection, planCorrection } from "./plan-correction.ts";

export interface NewCorrection {
  asked: CorrectionAsked;
  /** The operator's name for it: the same one is proposed once. */
  reference: string;
  reason: string;
  by: string;
  /** By currency: what moves more needs another person's approval, and so does everything in a currency that has none. */
  limits?: ReadonlyMap<string, Nanos> | undefined;
}

export interface CorrectionOutcome {
  id: string;
  state: "booked" | "needs_approval" | "withdrawn";
}

/**
 * Corrects by hand. Booked at once when it moves no more than the limit; otherwise it waits for somebody else's approval.
 * The same reference again changes nothing, nor brings back what was withdrawn.
 * @throws Refusal not_found, period_not_closed, write_off_too_large, nothing_to_refund, adjustment_differs, and what planning throws
 */
export async function correct(sql: Sql, wanted: NewCorrection): Promise<CorrectionOutcome> {
  const { asked, reference, reason, by, limits } = wanted;
  const id = `cor_${contentHash({ reference }).slice(0, 32)}`;
  const [known] = await sql<{ asked: CorrectionAsked; booked: boolean; withdrawn: boolean }[]>`
    SELECT asked, adjustment_no IS NOT NULL AS booked, withdrawn_by IS NOT NULL AS withdrawn FROM correction WHERE id = ${id}`;
  if (known !== undefined) {
    if (contentHash(known.asked) !== contentHash(asked))
      throw new Refusal(
        "adjustment_differs",
        `this reference is taken by ${id}, which is another one: use a reference of its own`,
      );
    if (known.booked) return { id, state: "booked" };
    if (known.withdrawn) return { id, state: "withdrawn" };
  }
  const planned = await planCorrection(sql, asked);
  // Who set any limit has forgotten the others: what has none is not without limit.
  const limit = limits === undefined ? undefined : (limits.get(planned.currency) ?? 0n);
  await sql`
    INSERT INTO correction (id, kind, currency, amount_nanos, draft_hash, limit_nanos, asked, reason, proposed_by)
    VALUES (${id}, ${asked.kind}, ${planned.currency}, ${planned.sizeNanos.toString()}, ${draftHash(planned)}, ${limit?.toString() ?? null},
      ${JSON.stringify(asked)}::text::jsonb, ${reason}, ${by})
    ON CONFLICT DO NOTHING`;
  if (limit !== undefined && planned.sizeNanos > limit) return { id, state: "needs_approval" };
  try {
    return await book(sql, id, null);
  } catch (error) {
    // A refusal leaves nothing: what was written down would wait for an approval that nobody asked for.
    if (error instanceof Refusal)
      await sql`DELETE FROM correction WHERE id = ${id} AND adjustment_no IS NULL AND withdrawn_by IS NULL`;
    throw error;
  }
}

/**
 * Books a correction that waits, as another person than its author, and moves what it moved when it was proposed: that is
 * what is approved. Booked before, nothing.
 * @throws Refusal not_found, approver_made_plan, plan_outdated, proposal_closed, and what correct() throws
 */
export async function approveCorrection(sql: Sql, id: string, by: string): Promise<CorrectionOutcome> {
  const [row] = await sql<{ author: string; same: boolean; booked: boolean; withdrawn: string | null }[]>`
    SELECT proposed_by AS author, same_person(proposed_by, ${by}) AS same, adjustment_no IS NOT NULL AS booked, withdrawn_by AS withdrawn
    FROM correction WHERE id = ${id}`;
  if (row === undefined) throw new Refusal("not_found", `there is no correction ${id}`);
  if (row.withdrawn !== null) throw withdrawn(row.withdrawn);
  if (row.same)
    throw new Refusal(
      "approver_made_plan",
      `${row.author} proposed this correction; another person must approve it (a key counts as who made it)`,
    );
  return row.booked ? { id, state: "booked" } : book(sql, id, by);
}

async function book(sql: Sql, id: string, approvedBy: string | null): Promise<CorrectionOutcome> {
  const [row] = await sql<[{ asked: CorrectionAsked; reason: string; author: string; draft: string }]>`
    SELECT asked, reason, proposed_by AS author, draft_hash AS draft FROM correction WHERE id = ${id}`;
  try {
    await planAndPost(sql, async () => {
      const planned = await planCorrection(sql, row.asked);
      if (approvedBy !== null && draftHash(planned) !== row.draft) throw outdated(id, planned);
      const { currency, corrects, body } = planned;
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

/**
 * Takes back a correction that waits for approval, with who and why: as its author, or as anybody who could approve it. What was
 * withdrawn is withdrawn.
 * @throws Refusal not_found, duty_not_allowed, correction_booked
 */
export async function withdrawCorrection(
  sql: Sql,
  { id, by, isApprover, reason }: { id: string; by: string; isApprover: boolean; reason: string },
): Promise<void> {
  const rows = await sql`SELECT FROM correction WHERE id = ${id}`;
  if (rows.length === 0) throw new Refusal("not_found", `there is no correction ${id}`);
  try {
    await sql`SELECT withdraw_correction(${id}, ${by}, ${isApprover}, ${reason})`;
  } catch (error) {
    throw refusalOf(error);
  }
}

/** The figures that were read to come to it (`seen`) are none that it moves. */
function draftHash({ currency, corrects, body }: PlannedCorrection): string {
  return contentHash({ currency, corrects, body: { ...body, seen: null } });
}

function outdated(id: string, { currency, sizeNanos }: PlannedCorrection): Refusal {
  return new Refusal(
    "plan_outdated",
    `what ${id} corrects was changed since it was proposed, and it would move something else now (${amountInWords(money(currency, sizeNanos))} in all): propose it again under another reference, and approve that`,
  );
}

/** What a correction would do now, for a person; writes nothing. @throws Refusal */
export async function draftCorrection(sql: Sql, asked: CorrectionAsked): Promise<PlannedCorrection> {
  return planCorrection(sql, asked);
}
