import type { Sql } from "../../postgres/index.ts";
import { eventIdentity } from "../../usage/index.ts";
import { findPredictions, type PredictionView, predictionsAt } from "../prediction.ts";

/** A chain is followed no deeper than this, up or down. */
const DEPTH_MAX = 64;

/** One prediction of a chain. */
export interface ChainStep extends PredictionView {
  /** How far below the prediction that was asked for; above it, negative. */
  depth: number;
  /** The payee that its customer was linked to then: it is paid out of that payee's earnings. */
  payer_payee: string | null;
}

export interface Chain {
  /** From the top down, each level in a fixed order. */
  steps: ChainStep[];
  /** A parent that is named and not known: its event never came, or not yet. */
  missing_parent: string | null;
  /** There is more below than was asked for, or than is followed. */
  truncated: boolean;
}

/**
 * What a prediction was called by, up to the top, and what it called, level by level, at most `limit` steps. Links may
 * be wrong: each prediction appears once, so circles end. Events that wait for the catalogue are in no chain yet.
 */
export async function chainOf(sql: Sql, asked: PredictionView, limit: number): Promise<Chain> {
  const above = await ancestorsOf(sql, asked);
  const seen = new Set([asked, ...above.found].map(keyOf));
  // In a circle what is above is below too, and may have called others: it is walked through, not placed again.
  const circling = new Set(above.found.map(keyOf));
  const below: { prediction: PredictionView; depth: number }[] = [];
  let level: PredictionView[] = [asked];
  let truncated = false;
  for (let depth = 1; level.length > 0 && !truncated; depth++) {
    const room = Math.max(limit - 1 - above.found.length - below.length, 0);
    const { children, more } = await childrenOf(sql, level, room + seen.size + 1);
    const fresh = children.filter((child) => !seen.has(keyOf(child)));
    truncated = more || fresh.length > room || (depth === DEPTH_MAX && fresh.length > 0);
    const placedHere = fresh.slice(0, room);
    level = [...placedHere, ...children.filter((child) => circling.delete(keyOf(child)))];
    for (const child of placedHere) {
      seen.add(keyOf(child));
      below.push({ prediction: child, depth });
    }
  }
  const placed = [
    ...above.found.map((prediction, n) => ({ prediction, depth: n - above.found.length })),
    { prediction: asked, depth: 0 },
    ...below,
  ];
  const payees = await payersOf(
    sql,
    placed.map(({ prediction }) => prediction),
  );
  const steps = placed.map(({ prediction, depth }, n) => ({
    ...prediction,
    depth,
    payer_payee: payees[n] ?? null,
  }));
  return { steps, missing_parent: above.missing, truncated };
}

const keyOf = ({ source, id }: PredictionView): string => eventIdentity(source, id);

async function ancestorsOf(
  sql: Sql,
  asked: PredictionView,
): Promise<{ found: PredictionView[]; missing: string | null }> {
  const found: PredictionView[] = [];
  const seen = new Set([keyOf(asked)]);
  for (let child = asked; child.parent !== null && found.length < DEPTH_MAX; ) {
    const parent = await parentOf(sql, child);
    if (parent === undefined) return { found, missing: child.parent };
    if (seen.has(keyOf(parent))) break;
    seen.add(keyOf(parent));
    found.unshift(parent);
    child = parent;
  }
  return { found, missing: null };
}

/** A parent is named without its source: the child's own source is meant, where that has one of this name. */
async function parentOf(sql: Sql, { parent, source }: PredictionView): Promise<PredictionView | undefined> {
  if (parent === null) return undefined;
  const [own] = await findPredictions(sql, parent, source);
  if (own !== undefined) return own;
  const others = await findPredictions(sql, parent);
  return others.sort((a, b) => (a.source < b.source ? -1 : 1))[0];
}

async function childrenOf(
  sql: Sql,
  parents: readonly PredictionView[],
  limit: number,
): Promise<{ children: PredictionView[]; more: boolean }> {
  const names = [...new Set(parents.map(({ id }) => id))];
  const rows = await sql<{ event_no: string }[]>`
    SELECT event_no::text FROM chained_event
    WHERE parent_key IN (SELECT parent_key(name) FROM unnest(${names}::text[]) AS name)
    ORDER BY event_no LIMIT ${limit}`;
  if (rows.length === 0) return { children: [], more: false };
  const eventNos = rows.map(({ event_no }) => event_no);
  const read = await predictionsAt(sql, eventNos);
  const named = eventNos.flatMap((eventNo) => read.get(eventNo) ?? []);
  const have = await known(
    sql,
    named.map(({ source, parent }) => eventIdentity(source, parent ?? "")),
  );
  const level = new Set(parents.map(keyOf));
  const children = named.filter(({ source, parent }) => {
    const own = eventIdentity(source, parent ?? "");
    return names.includes(parent ?? "") && (level.has(own) || !have.has(own));
  });
  return { children, more: rows.length === limit };
}

async function known(sql: Sql, identities: readonly string[]): Promise<Set<string>> {
  const rows = await sql<{ identity: string }[]>`
    SELECT replace(identity::text, '-', '') AS identity FROM usage_identity WHERE identity = ANY (${identities as string[]}::text[]::uuid[])`;
  return new Set(rows.map(({ identity }) => identity));
}

async function payersOf(sql: Sql, predictions: readonly PredictionView[]): Promise<(string | null)[]> {
  const rows = await sql<{ payee: string | null }[]>`
    SELECT p.id AS payee
    FROM unnest(${predictions.map(({ customer }) => customer)}::text[], ${predictions.map(({ occurred_at }) => occurred_at)}::text[])
      WITH ORDINALITY AS x(customer, occurred_at, n)
    LEFT JOIN customer c ON c.id = x.customer
    LEFT JOIN customer_version v ON v.customer_no = c.customer_no
      AND v.effective_from <= x.occurred_at::timestamptz AND x.occurred_at::timestamptz < v.effective_until
    LEFT JOIN payee p USING (payee_no) ORDER BY x.n`;
  return rows.map(({ payee }) => payee);
}
