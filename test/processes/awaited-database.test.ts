import { afterAll, beforeAll, expect, test } from "vitest";
import { CannotStart, readConfig } from "../../src/processes/config.ts";
import { awaitDatabase } from "../../src/processes/database.ts";
import { createLogger } from "../../src/processes/logger.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

let database: TestDatabase;
let network: TcpProxy;
beforeAll(async () => {
  database = await createTestDatabase();
  const { hostname, port } = new URL(database.url);
  network = await startTcpProxy({ host: hostname, port: Number(port) });
});
afterAll(async () => {
  await network.stop();
  await database.drop();
});

/** Waits on the far side of the network; `onTrouble` is called when it says that it has to wait. */
function waiting(onTrouble: () => void, stopped: Promise<unknown> = new Promise(() => {}), seconds = 60) {
  const url = new URL(database.url);
  url.host = `127.0.0.1:${network.port}`;
  const config = readConfig({ DATABASE_URL: url.href, DATABASE_WAIT_SECONDS: String(seconds) });
  const logger = createLogger("silent");
  logger.warn = onTrouble;
  return awaitDatabase(config, logger, stopped);
}

test("a database that is there is not waited for", async () => {
  await network.heal();
  const never = () => expect.fail("nothing is to be said");
  expect(await waiting(never, undefined, 0)).toBe(true);
});

test("one that comes later is waited for", async () => {
  await network.cut();
  let said = 0;
  const come = () => {
    said += 1;
    network.heal();
  };
  expect(await waiting(come)).toBe(true);
  expect(said).toBe(1);
});

test("whoever is told to stop meanwhile stops", async () => {
  await network.cut();
  const { promise, resolve } = Promise.withResolvers<void>();
  expect(await waiting(resolve, promise)).toBe(false);
});

test("one that does not come is told of with its setting", async () => {
  await network.cut();
  const late = waiting(() => {}, undefined, 0);
  await expect(late).rejects.toThrow(CannotStart);
  await expect(late).rejects.toThrow("DATABASE_URL");
});
