/** A step of a settlement that this process carries out just now. */
export interface Run {
  period: string;
  step: string;
  detail: string | null;
  done: number | null;
  total: number | null;
}

/** Where steps under way say how far they are, and operators' pages look. At most one runs at a time. */
export class RunBoard {
  #run: Run | null = null;
  #moves = 0;

  current(): Run | null {
    return this.#run;
  }

  /** Changes whenever the board does. */
  mark(): number {
    return this.#moves;
  }

  /** Shows a step while it is carried out, and takes it away after, however it ends. */
  async during<T>(period: string, step: string, carryOut: (progress: Progress) => Promise<T>): Promise<T> {
    this.#set({ period, step, detail: null, done: null, total: null });
    const progress: Progress = {
      onStep: (detail) => this.#set({ period, step, detail, done: null, total: null }),
      onProgress: (done, total) =>
        this.#set({ period, step, detail: this.#run?.detail ?? null, done, total }),
    };
    try {
      return await carryOut(progress);
    } finally {
      this.#set(null);
    }
  }

  #set(run: Run | null): void {
    this.#run = run;
    this.#moves += 1;
  }
}

export interface Progress {
  onStep: (step: string) => void;
  onProgress: (done: number, total: number) => void;
}
