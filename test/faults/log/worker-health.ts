import { until } from "../../support/until.ts";
import type { Role } from "../harness/role.ts";

interface Health {
  status: "ok" | "failing";
  reasons: string[];
}

/** Waits until its /healthz is failing for all of these reasons. */
export async function untilAlarmed(worker: Role, reasons: readonly RegExp[]): Promise<void> {
  let last: Health | undefined;
  await until(async () => {
    last = await healthOf(worker);
    return (
      last?.status === "failing" && reasons.every((reason) => last?.reasons.some((said) => reason.test(said)))
    );
  }).catch((error: Error) => {
    throw new Error(`/healthz says ${JSON.stringify(last)}, not ${reasons.join(" and ")}: ${error.message}`);
  });
}

export async function untilHealthy(worker: Role): Promise<void> {
  await until(async () => (await healthOf(worker))?.status === "ok");
}

/** The value of one sample of /metrics, such as `tributary_metering_halted{partition="0"}`; undefined when it has none. */
export async function metricOf(worker: Role, sample: string): Promise<number | undefined> {
  const text = await (await fetch(`${worker.url}/metrics`)).text();
  const line = text.split("\n").find((each) => each.startsWith(`${sample} `));
  return line === undefined ? undefined : Number(line.slice(sample.length));
}

async function healthOf(worker: Role): Promise<Health | undefined> {
  return fetch(`${worker.url}/healthz`)
    .then((response) => response.json() as Promise<Health>)
    .catch(() => undefined);
}
