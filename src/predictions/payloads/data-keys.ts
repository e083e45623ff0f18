import { present } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { type MasterKey, newDataKey, open, seal } from "./vault.ts";

/** So long a key is remembered. One that is shredded meanwhile encrypts nothing more: the database looks each time. */
const REMEMBERED_MS = 60_000;
const REMEMBERED_MAX = 10_000;
const REWRAPPED_AT_ONCE = 500;
const KEYS_A_MONTH = 100;
const TRIES_MAX = 5;

export interface DataKey {
  /** Year, month and how many there were before in it: 20261100. Never used again. */
  keyNo: number;
  bytes: Buffer;
}

/** The customers' data keys. The first master key wraps new ones; the others still open old ones. */
export class DataKeys {
  readonly #sql: Sql;
  readonly #masters: readonly MasterKey[];
  readonly #known = new Map<string, { bytes: Buffer; until: number }>();
  /** The customer's key number that was the current one when last asked. */
  readonly #used = new Map<string, number>();

  constructor(sql: Sql, masters: readonly MasterKey[]) {
    this.#sql = sql;
    this.#masters = masters;
  }

  /** The key with which this customer's data is encrypted now; a new one in each month, and after a shredding. */
  async current(customer: string): Promise<DataKey> {
    const month = monthNo(new Date());
    const used = this.#used.get(customer);
    if (used !== undefined && monthOf(used) === month) {
      const bytes = this.#remembered(customer, used);
      if (bytes !== undefined) return { keyNo: used, bytes };
    }
    // Another process may make the same one: then the first is everybody's.
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const [last] = await this.#sql<{ key_no: number; shredded: boolean }[]>`
        SELECT key_no, wrapped IS NULL AS shredded FROM payload_key
        WHERE customer = ${customer} AND key_no / ${KEYS_A_MONTH} = ${month} ORDER BY key_no DESC LIMIT 1`;
      if (last === undefined || last.shredded) {
        await this.#make(customer, last === undefined ? month * KEYS_A_MONTH : last.key_no + 1);
        continue;
      }
      const bytes = await this.find(customer, last.key_no);
      if (bytes === undefined) continue;
      if (this.#used.size >= REMEMBERED_MAX) this.#used.clear();
      this.#used.set(customer, last.key_no);
      return { keyNo: last.key_no, bytes };
    }
    throw new Error(`customer ${customer}'s keys are shredded as fast as they are made`);
  }

  /**
   * Undefined when it was shredded.
   * @throws Error when no master key of this process opens it
   */
  async find(customer: string, keyNo: number): Promise<Buffer | undefined> {
    const known = this.#remembered(customer, keyNo);
    if (known !== undefined) return known;
    const [row] = await this.#sql<{ wrapped: Buffer | null; master_key: string }[]>`
      SELECT wrapped, master_key FROM payload_key WHERE customer = ${customer} AND key_no = ${keyNo}`;
    if (row === undefined || row.wrapped === null) return undefined;
    const bytes = open(this.#master(row.master_key).bytes, row.wrapped, about(customer, keyNo));
    this.#remember(`${keyNo} ${customer}`, bytes);
    return bytes;
  }

  forget(): void {
    this.#known.clear();
    this.#used.clear();
  }

  /** Wraps with the first master key what another one wrapped; answers how many keys. Then the other may go. */
  async rewrap(): Promise<number> {
    const master = present(this.#masters[0], "a master key");
    const rows = await this.#sql<{ customer: string; key_no: number; wrapped: Buffer; master_key: string }[]>`
      SELECT customer, key_no, wrapped, master_key FROM payload_key
      WHERE master_key <> ${master.id} AND wrapped IS NOT NULL LIMIT ${REWRAPPED_AT_ONCE}`;
    for (const { customer, key_no, wrapped, master_key } of rows) {
      const bytes = open(this.#master(master_key).bytes, wrapped, about(customer, key_no));
      await this.#sql`
        UPDATE payload_key SET wrapped = ${seal(master.bytes, bytes, about(customer, key_no))}, master_key = ${master.id}
        WHERE customer = ${customer} AND key_no = ${key_no} AND wrapped = ${wrapped}`;
    }
    return rows.length;
  }

  async #make(customer: string, keyNo: number): Promise<void> {
    const master = present(this.#masters[0], "a master key");
    const wrapped = seal(master.bytes, newDataKey(), about(customer, keyNo));
    await this.#sql`
      INSERT INTO payload_key (customer, key_no, wrapped, master_key)
      VALUES (${customer}, ${keyNo}, ${wrapped}, ${master.id}) ON CONFLICT DO NOTHING`;
  }

  #master(id: string): MasterKey {
    const found = this.#masters.find((master) => master.id === id);
    if (found === undefined)
      throw new Error(
        `payloads are encrypted under master key ${id}, which MASTER_KEY does not hold: add it`,
      );
    return found;
  }

  #remembered(customer: string, keyNo: number): Buffer | undefined {
    const known = this.#known.get(`${keyNo} ${customer}`);
    return known !== undefined && known.until > performance.now() ? known.bytes : undefined;
  }

  #remember(key: string, bytes: Buffer): void {
    if (this.#known.size >= REMEMBERED_MAX) this.#known.clear();
    this.#known.set(key, { bytes, until: performance.now() + REMEMBERED_MS });
  }
}

function about(customer: string, keyNo: number): string[] {
  return ["data key", customer, String(keyNo)];
}

function monthNo(at: Date): number {
  return at.getUTCFullYear() * 100 + at.getUTCMonth() + 1;
}

function monthOf(keyNo: number): number {
  return Math.floor(keyNo / KEYS_A_MONTH);
}
