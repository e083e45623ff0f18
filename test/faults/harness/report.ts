import { appendFile } from "node:fs/promises";
import { FAULTS_EVENTS, FAULTS_REPORT } from "./settings.ts";
import { Skipped } from "./skipped.ts";

export interface Line {
  fault: string;
  /** What was done, as the fault tells it. */
  done: string;
  /** Distinct events that were acknowledged while it struck. */
  events: number;
  /** Events that the producer had to send again. */
  sentAgain: number;
  /** Duplicates that metering took out. */
  duplicates: bigint;
  /** From the end of the fault until nothing was left to meter. */
  lagZeroAfterMs: number | null;
  /** "exact", or what was wrong, or why it could not be done here. */
  verdict: string;
}

const COLUMNS = ["fault", "what was done", "events", "sent again", "duplicates", "lag 0 after", "verdict"];

/** What one file of faults went through. */
export class Report {
  readonly #title: string;
  readonly #lines: Line[] = [];

  constructor(title: string) {
    this.#title = title;
  }

  add(line: Line): void {
    this.#lines.push(line);
  }

  /** For a fault that is no flow of events: `suffer` answers what was done, and throws when something was wrong. */
  async tell(fault: string, suffer: () => Promise<{ done: string; events: number }>): Promise<void> {
    try {
      const told = await suffer();
      this.add({ fault, ...told, sentAgain: 0, duplicates: 0n, lagZeroAfterMs: null, verdict: "exact" });
    } catch (error) {
      this.failed(fault, error);
      throw error;
    }
  }

  failed(fault: string, error: unknown): void {
    const verdict = error instanceof Skipped ? "not done here" : "NOT SURVIVED";
    const nothing = { done: "–", events: 0, sentAgain: 0, duplicates: 0n, lagZeroAfterMs: null };
    this.add({ fault, ...nothing, verdict: `${verdict}: ${(error as Error).message}` });
  }

  /** Prints it, and adds it to FAULTS_REPORT. */
  async publish(seed: number): Promise<void> {
    const rows = [COLUMNS, COLUMNS.map(() => "---"), ...this.#lines.map(cellsOf)];
    const table = rows.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
    const exact = this.#lines.filter(({ verdict }) => verdict === "exact").length;
    const summary = `${exact} of ${this.#lines.length} exact. FAULTS_SEED=${seed} FAULTS_EVENTS=${FAULTS_EVENTS}`;
    const text = `\n## ${this.#title}\n\n${summary}\n\n${table}`;
    console.log(text);
    if (FAULTS_REPORT !== undefined) await appendFile(FAULTS_REPORT, text);
  }
}

function cellsOf(line: Line): string[] {
  const lag = line.lagZeroAfterMs === null ? "–" : `${(line.lagZeroAfterMs / 1000).toFixed(1)} s`;
  const numbers = [line.events, line.sentAgain, line.duplicates].map(String);
  return [line.fault, line.done, ...numbers, lag, line.verdict].map((cell) =>
    cell.replaceAll("|", "\\|").replaceAll("\n", "<br>"),
  );
}
