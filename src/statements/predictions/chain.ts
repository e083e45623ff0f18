import { identitiesOfId } from "../../metering/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { eventIdentity } from "../../usage/index.ts";
import { type PredictionView, predictionsOf } from "../prediction.ts";
import { type Link, linksBelow, linksOf } from "./links.ts";

/** A chain is followed no deeper than this, up or down. */
const DEPTH_MAX = 64;

/** One prediction of a chain. */
export interface ChainStep extends PredictionView {
  /** How far below the prediction that was asked for; above it, negative. */
  depth: number;
  /** The payee that its customer was linked to then: it is paid out of that payee's earnings. */
  payer_payee: string | null;
  /** The model that called it, where its caller is in this chain, and nobody else may be meant. */
  caller_model: string | null;
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
 * be wrong: each prediction appears once, so circles end. Events that wait for the catalogue called nothing yet. The links are
 * followed first, a few short statements a level; then everything of all steps is read at once.
 */
export async function chainOf(sql: Sql, asked: PredictionView, limit: number): Promise<Chain> {
  const self: Link = { ...asked, identity: eventIdentity(asked.source, asked.id) };
  const above = await ancestorsOf(sql, self);
  const seen = new Set([self, ...above.found].map(identityOf));
  // In a circle what is above is below too, and may have called others: it is walked through, not placed again.
  const circling = new Set(above.found.map(identityOf));
  const below: Placed[] = [];
  let level: Link[] = [self];
  let truncated = false;
  for (let depth = 1; level.length > 0 && !truncated; depth++) {
    const room = Math.max(limit - 1 - above.found.length - below.length, 0);
    const { children, more } = await childrenOf(sql, level, room + seen.size + 1);
    const fresh = children.filter((child) => !seen.has(child.identity));
    truncated = more || fresh.length > room || (depth === DEPTH_MAX && fresh.length > 0);
    const placedHere = fresh.slice(0, room);
    level = [...placedHere, ...children.filter((child) => circling.delete(child.identity))];
    for (const { identity } of placedHere) {
      seen.add(identity);
      below.push({ identity, depth });
    }
  }
  const placed = [
    ...above.found.map(({ identity }, n) => ({ identity, depth: n - above.found.length })),
    { identity: self.identity, depth: 0 },
    ...below,
  ];
  return {
    steps: await stepsOf(sql, placed, { identity: self.identity, prediction: asked }),
    missing_parent: above.missing,
    truncated,
  };
}

interface Placed {
  identity: string;
  depth: number;
}

const identityOf = ({ identity }: Link): string => identity;

/** Everything of all of them but the one that was asked for, which is known. */
async function stepsOf(
  sql: Sql,
  placed: readonly Placed[],
  known: { identity: string; prediction: PredictionView },
): Promise<ChainStep[]> {
  const others = placed.map(({ identity }) => identity).filter((identity) => identity !== known.identity);
  const views = others.length === 0 ? new Map<string, PredictionView>() : await predictionsOf(sql, others);
  views.set(known.identity, known.prediction);
  const steps = placed.flatMap(({ identity, depth }) => {
    const prediction = views.get(identity);
    return prediction === undefined ? [] : [{ ...prediction, depth }];
  });
  const payees = await payersOf(sql, steps);
  const callers = await callersIn(sql, steps);
  return steps.map((step, n) => ({
    ...step,
    payer_payee: payees[n] ?? null,
    caller_model: callers[n] ?? null,
  }));
}

/**
 * The model of each step's caller. Whoever owns it may see the step: so a caller of another source counts only where no other source
 * has one of its name.
 */
async function callersIn(sql: Sql, steps: readonly PredictionView[]): Promise<(string | null)[]> {
  const named = ({ parent, source }: PredictionView) =>
    steps.filter(({ id, source: of }) => id === parent && of === source);
  const elsewhere = new Map<string, string | null>();
  for (const step of steps) {
    if (step.parent === null || elsewhere.has(step.parent) || named(step).length > 0) continue;
    const [only, ...others] = await identitiesOfId(sql, step.parent);
    const caller = steps.find(({ id, source }) => id === step.parent && eventIdentity(source, id) === only);
    elsewhere.set(step.parent, others.length === 0 ? (caller?.model ?? null) : null);
  }
  return steps.map((step) => named(step)[0]?.model ?? elsewhere.get(step.parent ?? "") ?? null);
}

async function ancestorsOf(sql: Sql, self: Link): Promise<{ found: Link[]; missing: string | null }> {
  const found: Link[] = [];
  const seen = new Set([self.identity]);
  for (let child = self; child.parent !== null && found.length < DEPTH_MAX; ) {
    const parent = await parentOf(sql, child);
    if (parent === undefined) return { found, missing: child.parent };
    if (seen.has(parent.identity)) break;
    seen.add(parent.identity);
    found.unshift(parent);
    child = parent;
  }
  return { found, missing: null };
}

/** A parent is named without its source: the child's own source is meant, where that has one of this name. */
async function parentOf(sql: Sql, { parent, source }: Link): Promise<Link | undefined> {
  if (parent === null) return undefined;
  const [own] = await linksOf(sql, [eventIdentity(source, parent)]);
  if (own !== undefined) return own;
  const others = await linksOf(sql, await identitiesOfId(sql, parent));
  return others.sort((a, b) => (a.source < b.source ? -1 : 1))[0];
}

async function childrenOf(
  sql: Sql,
  parents: readonly Link[],
  limit: number,
): Promise<{ children: Link[]; more: boolean }> {
  const names = [...new Set(parents.map(({ id }) => id))];
  const named = await linksBelow(sql, names, limit);
  if (named.length === 0) return { children: [], more: false };
  const have = await known(
    sql,
    named.map(({ source, parent }) => eventIdentity(source, parent ?? "")),
  );
  const level = new Set(parents.map(identityOf));
  const children = named
    .filter(({ source, parent }) => {
      const own = eventIdentity(source, parent ?? "");
      return names.includes(parent ?? "") && (level.has(own) || !have.has(own));
    })
    .map((child) => ({ ...child, identity: eventIdentity(child.source, child.id) }));
  return { children, more: named.length === limit };
}

async function known(sql: Sql, identities: readonly string[]): Promise<Set<string>> {
  const rows = await sql<{ identity: string }[]>`
    SELECT replace(identity::text, '-', '') AS identity FROM usage_identity WHERE identity = ANY (${identities as string[]}::text[]::uuid[])`;
  return new Set(rows.map(({ identity }) => identity));
}

/** The payees that their customers were linked to when they ran. */
export async function payersOf(
  sql: Sql,
  predictions: readonly Pick<PredictionView, "customer" | "occurred_at">[],
): Promise<(string | null)[]> {
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
