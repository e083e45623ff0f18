import { createFirstOperatorKey } from "../src/http/index.ts";
import { startApi } from "../src/processes/api.ts";
import { readConfig } from "../src/processes/config.ts";
import { createLogger } from "../src/processes/logger.ts";
import { untilSignal } from "../src/processes/until-signal.ts";
import { wire } from "../src/processes/wire.ts";
import { startWorkers } from "../src/processes/workers.ts";

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const logger = createLogger(config.LOG_LEVEL);
  const signal = untilSignal();
  const tributary = await wire(config, logger, "tributary");
  const stops = [tributary.close];
  try {
    if (config.OPERATOR_KEY === undefined) {
      const key = await createFirstOperatorKey(tributary.sql);
      if (key !== undefined) console.log(`Operator key, shown this once: ${key}`);
    }
    stops.push(await startWorkers(tributary));
    const api = await startApi(tributary);
    stops.push(api.stop);
    console.log(`Tributary answers at ${api.url}  (API: ${api.url}/openapi.json)`);
    if (tributary.simulator !== null)
      console.log(`Payouts go to the Stripe simulator at ${tributary.simulator}`);
    logger.info({ signal: await signal }, "stopping");
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error && error.name === "ConfigInvalid" ? error.message : error);
  process.exitCode = 1;
});
