interface Waiting<Question, Answer> {
  question: Question;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

const QUESTIONS_MAX = 200;

/**
 * Answers questions many at a time: one call is under way, and what is asked meanwhile goes into the next one together, so that
 * a crowd costs little more than one. A question that is alone does not wait. When a call with several fails, each
 * is asked alone: one bad question is no other's failure.
 */
export class AskTogether<Question, Answer> {
  readonly #ask: (questions: Question[]) => Promise<Answer[]>;
  readonly #keyOf: (question: Question) => string;
  #waiting: Waiting<Question, Answer>[] = [];
  #underWay = false;

  /**
   * @param ask answers in the questions' order
   * @param keyOf two questions with the same key are never in one call
   */
  constructor(ask: (questions: Question[]) => Promise<Answer[]>, keyOf: (question: Question) => string) {
    this.#ask = ask;
    this.#keyOf = keyOf;
  }

  answer(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, resolve, reject });
      void this.#callUntilDone();
    });
  }

  async #callUntilDone(): Promise<void> {
    if (this.#underWay) return;
    this.#underWay = true;
    while (this.#waiting.length > 0) await this.#call(this.#takeWaiting());
    this.#underWay = false;
  }

  #takeWaiting(): Waiting<Question, Answer>[] {
    const taken = new Map<string, Waiting<Question, Answer>>();
    const left: Waiting<Question, Answer>[] = [];
    for (const each of this.#waiting) {
      const key = this.#keyOf(each.question);
      if (taken.size < QUESTIONS_MAX && !taken.has(key)) taken.set(key, each);
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
