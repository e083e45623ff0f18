import { CUSTOMERS, customerId, modelId } from "./catalog.ts";
import type { EventRequests } from "./event-requests.ts";
import { predictionId, seededRandom } from "./random.ts";

const MODELS_ASKED = 50;
/** Short, so that reservations also end while it is measured. */
const TTL_SECONDS = 10;
/** Of a prediction's id. */
const ID_LETTERS = 26;

/**
 * Requests of POST /v1/customers/{id}/authorize, each for a prediction of its own, of so many customers in turn. All but the
 * customer and the prediction is made once for each model.
 */
export function authorizeRequests(url: string, key: string, customers: number, seed: number): EventRequests {
  const random = seededRandom(seed);
  const { host } = new URL(url);
  const below = (n: number) => Math.floor(random() * n);
  const ends = Array.from({ length: MODELS_ASKED }, (_, rank) => {
    const body = JSON.stringify({
      model: modelId(rank),
      estimate: { metrics: { input_token_count: 1_000, output_token_count: 500, predict_time: 2 } },
      ttl_seconds: TTL_SECONDS,
      prediction: { source: "//predictor/us-1", id: "" },
    });
    const head = [
      " HTTP/1.1",
      `Host: ${host}`,
      `Authorization: Bearer ${key}`,
      "Content-Type: application/json",
      `Content-Length: ${Buffer.byteLength(body) + ID_LETTERS}`,
    ].join("\r\n");
    // What follows the id: the quote, the prediction's end, the body's.
    const idAt = body.length - '"}}'.length;
    return { before: `${head}\r\n\r\n${body.slice(0, idAt)}`, after: body.slice(idAt) };
  });
  return {
    next() {
      const { before, after } = ends[below(ends.length)] ?? { before: "", after: "" };
      const customer = customerId(below(Math.min(customers, CUSTOMERS)));
      return Buffer.from(
        `POST /v1/customers/${customer}/authorize${before}${predictionId(random)}${after}`,
        "latin1",
      );
    },
  };
}
