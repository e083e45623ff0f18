import { now, Refusal } from "../kernel/index.ts";
import { refusedByDatabase, type Sql } from "../postgres/index.ts";
import type { Catalog } from "./catalog.ts";
import { CatalogDocument } from "./documents.ts";
import { loadCatalog } from "./load-catalog.ts";
import { planCatalogChange } from "./plan-catalog-change.ts";

const ATTEMPTS_MAX = 8;

/** Who makes a change. Kept with what it says of payout accounts. */
export interface ChangeMaker {
  by: string;
  /** The accounts in it were opened at the provider for their payees just now; nobody chose them. */
  opened?: boolean;
}

const SERVICE: ChangeMaker = { by: "service" };

export interface CatalogStore {
  /** The catalogue as it is now. */
  current(): Promise<Catalog>;
  /**
   * Applies a document whole or not at all; usage batches see all of it or nothing.
   * @param maker the service itself, when it is left out
   * @throws Refusal, with everything as it was.
   */
  change(document: Partial<CatalogDocument>, maker?: ChangeMaker): Promise<void>;
  /** Whether the change would be taken now; it is not made. @throws Refusal when it would not */
  check(document: Partial<CatalogDocument>): Promise<void>;
}

/** The one way to read and change the catalogue. Changes are planned in memory and applied by one SQL function. */
export function openCatalogStore(sql: Sql): CatalogStore {
  let cached: Catalog | undefined;
  let loading: { version: string; catalog: Promise<Catalog> } | undefined;
  let queue: Promise<unknown> = Promise.resolve();

  async function current(): Promise<Catalog> {
    const [row] = await sql<[{ version: string }]>`SELECT version FROM catalog_state`;
    if (cached?.version.toString() === row.version) return cached;
    // Whoever saw the same version while it is read waits for that reading: it began after somebody had seen it.
    if (loading?.version !== row.version) loading = { version: row.version, catalog: load() };
    return loading.catalog;
  }

  async function load(): Promise<Catalog> {
    try {
      cached = await loadCatalog(sql);
      return cached;
    } finally {
      loading = undefined;
    }
  }

  async function changeOnce(document: CatalogDocument, { by, opened }: ChangeMaker): Promise<boolean> {
    const change = planCatalogChange(await current(), document, now());
    const rows = JSON.stringify({ ...change.rows, by, opened });
    try {
      await sql`SELECT apply_catalog_change(${rows}::text::jsonb)`;
      cached = change.after;
      return true;
    } catch (error) {
      cached = undefined;
      // Another process changed the catalogue in between: plan again on what it is now.
      if (refusedByDatabase(error)?.code === "catalog_changed") return false;
      throw refusalOf(error);
    }
  }

  async function change(document: CatalogDocument, maker: ChangeMaker): Promise<void> {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) if (await changeOnce(document, maker)) return;
    throw new Refusal(
      "catalog_busy",
      "the catalogue keeps being changed by others: send the same request again",
    );
  }

  async function check(document: Partial<CatalogDocument>): Promise<void> {
    const { rows } = planCatalogChange(await current(), CatalogDocument.parse(document), now());
    await sql`SELECT require_unmetered(${JSON.stringify(rows.guards)}::text::jsonb)`.catch(
      (error: unknown) => {
        throw refusalOf(error);
      },
    );
  }

  return {
    current,
    check,
    change(document, maker = SERVICE) {
      const complete = CatalogDocument.parse(document);
      const mine = queue.then(() => change(complete, maker));
      queue = mine.catch(() => {});
      return mine;
    },
  };
}

function refusalOf(error: unknown): unknown {
  const refused = refusedByDatabase(error);
  return refused?.code === "effective_from_in_metered_past" ? inMeteredPast(refused.detail) : error;
}

function inMeteredPast(detail: Record<string, string>): Refusal {
  const message = `usage of ${detail.subject} is already metered up to there; the earliest effective_from that works is ${detail.earliest}`;
  return new Refusal("effective_from_in_metered_past", message, [
    { path: "effective_from", code: "effective_from_in_metered_past", message },
  ]);
}
