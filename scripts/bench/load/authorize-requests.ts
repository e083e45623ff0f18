import { CUSTOMERS, customerId, modelId } from "./catalog.ts";
import type { EventRequests } from "./event-requests.ts";
import { predictionId, seededRandom } from "./random.ts";

/** Requests of POST /v1/customers/{id}/authorize, each for a prediction of its own, of so many customers in turn. */
export function authorizeRequests(url: string, key: string, customers: number, seed: number): EventRequests {
  const random = seededRandom(seed);
  const { host } = new URL(url);
  return {
    next() {
      const customer = customerId(Math.floor(random() * Math.min(customers, CUSTOMERS)));
      const body = JSON.stringify({
        model: modelId(Math.floor(random() * 50)),
        estimate: { metrics: { input_token_count: 1_000, output_token_count: 500, predict_time: 2 } },
        prediction: { source: "//predictor/us-1", id: predictionId(random) },
        ttl_seconds: 60,
      });
      return Buffer.from(
        [
          `POST /v1/customers/${customer}/authorize HTTP/1.1`,
          `Host: ${host}`,
          `Authorization: Bearer ${key}`,
          "Content-Type: application/json",
          `Content-Length: ${Buffer.byteLength(body)}`,
          "",
          body,
        ].join("\r\n"),
      );
    },
  };
}
