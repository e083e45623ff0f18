import type { Sql } from "../../postgres/index.ts";

/** With more of them waiting nothing is kept: they would have to be counted for each answer. */
const PARKED_COUNTED_MAX = 10_000;

/** A moment, and in which state of the usage and the books everything is that is read after it, at the earliest. */
export interface Moment {
  /** Everything committed before is in what is read after. RFC 3339. */
  as_of: string;
  /**
   * The first period whose figures may still move. Nothing is booked in those before it, and what is accrued in them is what
   * their windows say: the release of a month is refused otherwise (drizzle/0009_settlement.sql).
   */
  unreleased: string;
  /** The first period that is not closed: the same, or the one after it while that is being released. */
  open: string;
  /**
   * As long as it is the same, so is what a payee earned, by whatever it is grouped but by customers; null when that is not
   * known. It says which months are open, and counts what can only be added to: events that were booked, and the payee's
   * adjustments. Booked are those that a cursor has applied, and those that were parked and are no longer; the cursor moves
   * in the statement that books.
   */
  stamp: string | null;
  /** The part of the stamp that counts no usage. */
  books: string;
}

/** The moment of figures that hang on sums by customer too. */
export async function withCustomers(sql: Sql, moment: Moment): Promise<Moment> {
  const { stamp, books } = moment;
  const folded = stamp === null ? null : await stampOfCustomers(sql);
  return { ...moment, stamp: folded && `${stamp} ${folded}`, books: `${books} ${folded}` };
}

/**
 * The stamp of sums by customer, which are made later, from blocks that say whether they are in them: how many events are in
 * them, which only grows, whatever is booked meanwhile.
 */
export async function stampOfCustomers(sql: Sql): Promise<string | null> {
  const [{ folded }] = await sql<[{ folded: string | null }]>`
    SELECT CASE WHEN p.waiting <= ${PARKED_COUNTED_MAX} THEN c.known - p.waiting - b.unfolded END::text AS folded
    FROM (SELECT coalesce(sum(applied + parked), 0) AS known FROM metering_cursor) c
    CROSS JOIN (SELECT count(*) AS waiting FROM (SELECT FROM parked_event LIMIT ${PARKED_COUNTED_MAX + 1}) x) p
    CROSS JOIN (SELECT coalesce(sum(event_count), 0) AS unfolded FROM usage_block WHERE folded = 0) b`;
  return folded;
}

/** The moment is when the statement's transaction began, before anything was read in it. */
export async function momentOf(sql: Sql, payee: string): Promise<Moment> {
  const [row] = await sql<[Moment]>`
    SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS as_of, b.unreleased, b.open, a.books,
      CASE WHEN p.waiting <= ${PARKED_COUNTED_MAX} THEN concat_ws(' ', a.books, c.known - p.waiting) END AS stamp
    FROM (SELECT coalesce((SELECT min(period) FROM settlement WHERE state = 'closing'), first_open_period)::text AS unreleased,
            first_open_period::text AS open FROM books_state) b
    CROSS JOIN LATERAL (SELECT concat_ws(' ', b.unreleased, b.open,
      (SELECT count(*) FROM adjustment_part WHERE payee = ${payee}),
      (SELECT count(*) FROM adjustment_movement WHERE account = ${`payee:${payee}:payable`})) AS books) a
    CROSS JOIN (SELECT coalesce(sum(applied + parked), 0) AS known FROM metering_cursor) c
    CROSS JOIN (SELECT count(*) AS waiting FROM (SELECT FROM parked_event LIMIT ${PARKED_COUNTED_MAX + 1}) x) p`;
  return row;
}
