import { createHash } from "node:crypto";

/** What happened, line by line, and which kinds of trouble there were. */
export class Trace {
  readonly lines: string[] = [];
  readonly sightings = new Map<string, number>();
  readonly #hash = createHash("sha256");
  readonly #time: () => string;
  readonly #print: boolean;

  constructor(time: () => string, print = false) {
    this.#time = time;
    this.#print = print;
  }

  step(who: string, outcome: string): void {
    this.note(`${who}${outcome}`);
  }

  note(text: string): void {
    const line = `${String(this.lines.length).padStart(4)} ${this.#time()} ${text}`;
    this.lines.push(line);
    this.#hash.update(`${line}\n`);
    if (this.#print) console.log(line);
  }

  /** So that a run can prove that it met what it is for. */
  saw(kind: string): void {
    this.sightings.set(kind, (this.sightings.get(kind) ?? 0) + 1);
  }

  /** Two runs with the same hash went the same way. */
  get hash(): string {
    return this.#hash.copy().digest("hex").slice(0, 16);
  }
}

/** What enough histories together must have met. */
export const EXPECTED_SIGHTINGS: readonly string[] = [
  "a catalogue change was refused: effective_from_in_metered_past",
  "a dead letter was written",
  "a partition moved away from a worker that lives",
  "a pay run was stopped",
  "a payout was failed",
  "a payout was paid",
  "a payout was unknown",
  "a process died after a step, before it heard of it",
  "a process died before a step",
  "a statement never arrived",
  "a transfer request arrived late",
  "a worker was fenced",
  "an append arrived late",
  "an append was doubled",
  "an append was taken in part",
  "an event came again with other content",
  "an event came twice",
  "an old transfer was found",
  "an old transfer was searched in vain",
  "parked events were released",
  "the acknowledgement of an append was lost",
  "the answer of a statement was lost",
  "the answer of a transfer was lost",
  "usage was booked after its month was closed",
];
