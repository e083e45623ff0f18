const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** The simulation's time. It moves only when the seed says so. */
export class Clock {
  nowMs: number;

  constructor(start: string) {
    this.nowMs = Date.parse(start);
  }

  get now(): Date {
    return new Date(this.nowMs);
  }

  /** "2023-11-02 07:15" */
  get text(): string {
    return this.now.toISOString().slice(0, 16).replace("T", " ");
  }
}
