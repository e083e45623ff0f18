import { openSql, type Sql } from "./client.ts";

const ROLE = "tributary_reader";
const POOLS_MAX = 12;
const CONNECTIONS_EACH = 2;

/** Whose rows may be read. */
export interface Reader {
  payee: string | null;
  customer: string | null;
}

let lastNumber = 0;

interface Pool {
  sql: Sql;
  users: number;
}

/**
 * Connections that see one payee's or customer's rows alone, whatever they are asked: they are opened as a role that row
 * policies bind (drizzle/0026_audit_log.sql), with whom they are for. So nothing has to be set or taken back around a
 * query, and no connection ever serves two. A bounded number of them is open; whoever comes last waits.
 */
export class RestrictedReaders {
  readonly #url: string;
  readonly #number = ++lastNumber;
  readonly #pools = new Map<string, Pool>();
  readonly #waiting: (() => void)[] = [];

  constructor(url: string) {
    this.#url = url;
  }

  /** False where the database's owner may not act as the role: then there are no policies to lean on. */
  async work(): Promise<boolean> {
    try {
      return await this.use({ payee: null, customer: null }, async (sql) => {
        const [row] = await sql<[{ bound: boolean }]>`
          SELECT current_user = ${ROLE} AND row_security_active('statement') AS bound`;
        return row.bound;
      });
    } catch {
      return false;
    }
  }

  /** Whether connections for them are there already, and none of somebody else's has to go. */
  isOpen(reader: Reader): boolean {
    return this.#pools.has(nameOf(reader));
  }

  async use<T>(reader: Reader, work: (sql: Sql) => Promise<T>): Promise<T> {
    const pool = await this.#take(reader);
    try {
      return await work(pool.sql);
    } finally {
      pool.users--;
      this.#waiting.shift()?.();
    }
  }

  async #take(reader: Reader): Promise<Pool> {
    const name = nameOf(reader);
    for (;;) {
      const pool = this.#pools.get(name) ?? this.#open(name, reader);
      if (pool !== undefined) {
        pool.users++;
        // The last used is the last to go.
        this.#pools.delete(name);
        this.#pools.set(name, pool);
        return pool;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #open(name: string, { payee, customer }: Reader): Pool | undefined {
    if (this.#pools.size >= POOLS_MAX && !this.#endOldest()) return undefined;
    const settings = { role: ROLE, "app.payee": payee ?? "", "app.customer": customer ?? "" };
    const sql = openSql(this.#url, {
      max: CONNECTIONS_EACH,
      name: "tributary-reader",
      settings,
      scope: `reader ${this.#number} ${name}`,
    });
    const pool = { sql, users: 0 };
    this.#pools.set(name, pool);
    return pool;
  }

  #endOldest(): boolean {
    const oldest = [...this.#pools].find(([, { users }]) => users === 0);
    if (oldest === undefined) return false;
    this.#pools.delete(oldest[0]);
    oldest[1].sql.end({ timeout: 5 }).catch(() => {});
    return true;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map(({ sql }) => sql.end({ timeout: 5 })));
    this.#pools.clear();
  }
}

const nameOf = ({ payee, customer }: Reader) => JSON.stringify([payee, customer]);
