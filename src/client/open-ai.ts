/** The `usage` of an OpenAI-style answer: chat completions, completions, embeddings, or responses. */
export interface OpenAiUsage {
  prompt_tokens?: number;
  completion_tokens?: number;
  prompt_tokens_details?: { cached_tokens?: number } | null;
  completion_tokens_details?: { reasoning_tokens?: number } | null;
  input_tokens?: number;
  output_tokens?: number;
  input_tokens_details?: { cached_tokens?: number } | null;
  output_tokens_details?: { reasoning_tokens?: number } | null;
}

/**
 * The metrics of a usage event. Cached and reasoning tokens are parts of the counts before them, on meters of their own:
 * they cost something only where the price names them.
 */
export function metricsOfOpenAiUsage(usage: OpenAiUsage): Record<string, number> {
  const metrics = {
    input_token_count: usage.prompt_tokens ?? usage.input_tokens,
    output_token_count: usage.completion_tokens ?? usage.output_tokens,
    cached_input_token_count: (usage.prompt_tokens_details ?? usage.input_tokens_details)?.cached_tokens,
    reasoning_token_count: (usage.completion_tokens_details ?? usage.output_tokens_details)?.reasoning_tokens,
  };
  return Object.fromEntries(
    Object.entries(metrics).filter((metric): metric is [string, number] => typeof metric[1] === "number"),
  );
}

/** What an answer says about itself, gathered from its parts. */
export interface OpenAiAnswer {
  usage?: OpenAiUsage;
  /** Its choices, or the output of the Responses API; of a stream a list of its pieces. */
  output?: unknown;
}

/** A stream's pieces beyond this are not kept. */
const PIECES_MAX = 20_000;

/** Larger answers are not kept to be read: their usage stays unknown. */
const JSON_BYTES_MAX = 16 * 1024 * 1024;

/** Reads an answer while it passes: one JSON document, or server-sent events of which some say the usage. */
export class OpenAiAnswerReader {
  readonly answer: OpenAiAnswer = {};
  readonly #pieces: unknown[] = [];
  readonly #decoder = new TextDecoder();
  readonly #streamed: boolean;
  #text = "";

  constructor(contentType: string) {
    this.#streamed = contentType.startsWith("text/event-stream");
  }

  add(chunk: Uint8Array): void {
    this.#text += this.#decoder.decode(chunk, { stream: true });
    if (this.#streamed) this.#readLines();
    else if (this.#text.length > JSON_BYTES_MAX) this.#text = "";
  }

  end(): OpenAiAnswer {
    if (this.#streamed) {
      this.#text += "\n";
      this.#readLines();
    } else {
      this.#readJson(this.#text);
    }
    return this.answer;
  }

  #readLines(): void {
    const lines = this.#text.split(/\r\n|\n|\r/);
    this.#text = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("data:")) this.#readJson(line.slice("data:".length));
  }

  #readJson(text: string): void {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      // "[DONE]", an error page: nothing about usage.
      return;
    }
    if (typeof json !== "object" || json === null) return;
    // The events of the Responses API carry the whole answer in `response`.
    const { response } = json as { response?: OpenAiAnswer };
    const whole = response ?? (json as OpenAiAnswer);
    const { usage } = whole;
    this.#keep(whole as OpenAiAnswer & { choices?: unknown }, response !== undefined);
    if (typeof usage === "object" && usage !== null) this.answer.usage = usage;
  }

  /** The Responses API ends its stream with the whole answer; chat completions have only the pieces. */
  #keep({ choices, output }: { choices?: unknown; output?: unknown }, whole: boolean): void {
    const part = choices ?? output;
    if (part === undefined) return;
    if (!this.#streamed || whole) this.answer.output = part;
    else if (this.#pieces.length < PIECES_MAX && (!Array.isArray(part) || part.length > 0)) {
      this.#pieces.push(part);
      this.answer.output = this.#pieces;
    }
  }
}
