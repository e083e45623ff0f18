import type { Sql } from "../../postgres/index.ts";

/** Since when the process's own connections have not answered, asked one question at a time. */
export class PoolProbe {
  readonly #sql: Sql;
  #askedAtMs: number | undefined;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Milliseconds for which the question in hand has been waiting; asks anew when the last was answered. */
  waitingMs(nowMs: number): number {
    if (this.#askedAtMs !== undefined) return nowMs - this.#askedAtMs;
    this.#askedAtMs = nowMs;
    const answered = () => {
      this.#askedAtMs = undefined;
    };
    // An error is an answer too.
    this.#sql`SELECT 1`.then(answered, answered);
    return 0;
  }

  /** While the database is away nobody can answer: time counts anew from now. */
  excuse(nowMs: number): void {
    if (this.#askedAtMs !== undefined) this.#askedAtMs = nowMs;
  }
}
