import { Dictionary } from "./dictionary.ts";

/** Numbers what is decided together: model, version and status. */
export class Subjects {
  /** By the subject's number. */
  readonly model: string[] = [];
  readonly version: string[] = [];
  readonly status: string[] = [];
  readonly #versions = new Dictionary();
  readonly #statuses = new Dictionary();
  readonly #ofModel = new Map<string, Map<number, number>>();

  numberOf(model: string, version: string, status: string): number {
    const ofModel = this.#ofModel.get(model) ?? new Map<number, number>();
    if (ofModel.size === 0) this.#ofModel.set(model, ofModel);
    const key = this.#versions.numberOf(version) * 8 + this.#statuses.numberOf(status);
    const known = ofModel.get(key);
    if (known !== undefined) return known;
    ofModel.set(key, this.model.length);
    this.version.push(version);
    this.status.push(status);
    return this.model.push(model) - 1;
  }
}
