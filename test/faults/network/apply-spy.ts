import { stringsOf, WireReader } from "./wire-messages.ts";

/** The one statement that moves the cursor, by a word that it has and no other statement. */
export const APPLY = "apply_usage_batch";

/**
 * `asked`: the worker has sent the whole apply, the database has not got all of it. `committed`: the database has
 * committed it, the worker does not know.
 */
export type Moment = "asked" | "committed";

/** Watches the messages of one connection for the applies of metering. */
export class ApplySpy {
  readonly #client = new WireReader("client");
  readonly #server = new WireReader("server");
  readonly #applies = new Set<string>();
  /** One for each answer that is outstanding: whether an apply is in it. */
  readonly #outstanding: boolean[] = [];
  #bound = false;
  #failed = false;

  /** What happens when these bytes of the client arrive. */
  asked(chunk: Buffer): Moment[] {
    const moments: Moment[] = [];
    for (const { type, head } of this.#client.read(chunk)) {
      const [first = "", second = ""] = stringsOf(head);
      if (type === "P" && second.includes(APPLY)) this.#applies.add(first);
      if (type === "B" && this.#applies.has(second)) this.#bound = true;
      if (type === "Q") this.#outstanding.push(first.includes(APPLY));
      if (type === "S") {
        if (this.#bound) moments.push("asked");
        this.#outstanding.push(this.#bound);
        this.#bound = false;
      }
    }
    return moments;
  }

  /** What has happened when the server sends these bytes. */
  answered(chunk: Buffer): Moment[] {
    const moments: Moment[] = [];
    for (const { type } of this.#server.read(chunk)) {
      if (type === "E") this.#failed = true;
      if (type !== "Z") continue;
      // The first one is the greeting: nobody asked for it.
      if (this.#outstanding.shift() === true && !this.#failed) moments.push("committed");
      this.#failed = false;
    }
    return moments;
  }
}
