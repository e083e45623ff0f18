import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { expect, test } from "vitest";
import { freePort } from "../../scripts/kafka-broker/free-port.ts";
import { startKafkaBroker } from "../../scripts/kafka-broker/kafka-broker.ts";
import { openKafkaUsageLog } from "../../src/adapters/kafka/kafka-usage-log.ts";
import { keyOf } from "./log-values.ts";
import { PositionOfRecord } from "./position-of-record.ts";

const SOON = { timeout: 90_000, interval: 100 };

test("while the broker is down appends are refused; when it is back, the same log appends and reads on", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "tributary-kafka-outage-"));
  const port = await freePort();
  let broker = await startKafkaBroker({ dataDir, port });
  const log = await openKafkaUsageLog({ brokers: [broker.brokers], log: pino({ level: "silent" }) });
  const append = (value: string) => log.append([{ key: keyOf(2), value: Buffer.from(value) }]);
  const position = new PositionOfRecord();
  const reading = await log.read(position.reader());
  try {
    await append("before");
    await expect.poll(() => position.values(), SOON).toEqual(["before"]);

    await broker.stop();
    await expect(append("refused")).rejects.toMatchObject({ name: "LogUnavailable" });
    await expect(log.extent()).rejects.toMatchObject({ name: "LogUnavailable" });

    broker = await startKafkaBroker({ dataDir, port });
    await append("after");
    await expect.poll(() => position.values(), SOON).toContain("after");
    expect(position.values().filter((value) => value !== "refused")).toEqual(["before", "after"]);
    expect(position.alarms).toEqual([]);
  } finally {
    await reading.stop();
    await log.close();
    await broker.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
});
