import { setTimeout as pause } from "node:timers/promises";
import { OPERATOR_KEY } from "../world/roles.ts";
import { MARKER_MODEL, MARKER_PAYEE } from "./catalog.ts";
import { predictionId, seededRandom } from "./random.ts";

const PAUSE_MS_MAX = 100;
const GIVE_UP_AFTER_MS = 60_000;

/** Sends so many markers, looks for each so often; answers how long each took until it showed, in milliseconds. */
export type SendMarkers = (count: number, askEveryMs: number) => Promise<number[]>;

/** Sends events of one payee's model, one after the other, and takes the time until each shows in its earnings. */
export function markerSender(url: string, seed: number): SendMarkers {
  const random = seededRandom(seed ^ 0x5eed);
  const headers = { authorization: `Bearer ${OPERATOR_KEY}` };
  let sent = 0;

  async function shown(): Promise<number> {
    const response = await fetch(`${url}/v1/payees/${MARKER_PAYEE}/earnings`, { headers });
    if (!response.ok) throw new Error(`earnings: ${response.status} ${await response.text()}`);
    const { data } = (await response.json()) as { data: { events: string }[] };
    return data.reduce((sum, row) => sum + Number(row.events), 0);
  }

  async function sendOne(askEveryMs: number): Promise<number> {
    const begun = performance.now();
    const response = await fetch(`${url}/v1/events`, {
      method: "POST",
      headers: { ...headers, "content-type": "application/cloudevents+json" },
      body: JSON.stringify(markerEvent(predictionId(random))),
    });
    if (response.status !== 202) throw new Error(`a marker: ${response.status} ${await response.text()}`);
    await response.arrayBuffer();
    sent += 1;
    while ((await shown()) < sent) {
      if (performance.now() - begun > GIVE_UP_AFTER_MS) throw new Error("a marker never showed");
      await pause(askEveryMs);
    }
    return performance.now() - begun;
  }

  return async (count, askEveryMs) => {
    const taken: number[] = [];
    while (taken.length < count) {
      taken.push(await sendOne(askEveryMs));
      // At no fixed distance, so that the markers meet accruals and batches at any point.
      await pause(random() * PAUSE_MS_MAX);
    }
    return taken;
  };
}

function markerEvent(id: string): object {
  return {
    specversion: "1.0",
    id,
    source: "//predictor/marker",
    type: "prediction.completed",
    time: "2023-11-15T12:00:00Z",
    subject: "customer-1",
    data: {
      model: MARKER_MODEL,
      version: "1",
      status: "succeeded",
      metrics: { input_token_count: 1_000, output_token_count: 1_000 },
    },
  };
}
