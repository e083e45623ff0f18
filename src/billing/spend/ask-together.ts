interface Waiting<Question, Answer> {
  question: Question;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

export interface TogetherRules<Question> {
  /** Two questions with the same key are never in one call. */
  keyOf(question: Question): string;
  /** Two calls that are under way at once never have questions about the same. */
  aboutOf(question: Question): string;
  /** So many calls are under way at most. */
  callsMax: number;
}

const QUESTIONS_MAX = 200;

/**
 * Answers questions many at a time: few calls are under way, and what is asked meanwhile goes into the next one together, so
 * that a crowd costs little more than one. A question that is alone does not wait. When a call with several fails, each
 * is asked alone: one bad question is no other's failure.
 */
export class AskTogether<Question, Answer> {
  readonly #ask: (questions: Question[]) => Promise<Answer[]>;
  readonly #rules: TogetherRules<Question>;
  #waiting: Waiting<Question, Answer>[] = [];
  /** What the calls that are under way are about. */
  readonly #about = new Set<string>();
  #calls = 0;

  /** @param ask answers in the questions' order */
  constructor(ask: (questions: Question[]) => Promise<Answer[]>, rules: TogetherRules<Question>) {
    this.#ask = ask;
    this.#rules = rules;
  }

  answer(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, resolve, reject });
      this.#callForWaiting();
    });
  }

  #callForWaiting(): void {
    while (this.#calls < this.#rules.callsMax && this.#waiting.length > 0) {
      const asked = this.#takeWaiting();
      if (asked.length === 0) return;
      const about = new Set(asked.map(({ question }) => this.#rules.aboutOf(question)));
      for (const one of about) this.#about.add(one);
      this.#calls++;
      void this.#call(asked).finally(() => {
        this.#calls--;
        for (const one of about) this.#about.delete(one);
        this.#callForWaiting();
      });
    }
  }

  #takeWaiting(): Waiting<Question, Answer>[] {
    const taken = new Map<string, Waiting<Question, Answer>>();
    const left: Waiting<Question, Answer>[] = [];
    for (const each of this.#waiting) {
      const key = this.#rules.keyOf(each.question);
      const free = !taken.has(key) && !this.#about.has(this.#rules.aboutOf(each.question));
      if (free && taken.size < QUESTIONS_MAX) taken.set(key, each);
      else left.push(each);
    }
    this.#waiting = left;
    return [...taken.values()];
  }

  async #call(asked: Waiting<Question, Answer>[]): Promise<void> {
    try {
      const answers = await this.#ask(asked.map(({ question }) => question));
      for (const [n, { resolve, reject }] of asked.entries()) {
        const answer = answers[n];
        if (answer === undefined) reject(new Error(`question ${n} of ${asked.length} has no answer`));
        else resolve(answer);
      }
    } catch (error) {
      if (asked.length === 1) asked[0]?.reject(error);
      else for (const each of asked) await this.#call([each]);
    }
  }
}
