import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createApp } from "../http/index.ts";
import type { Tributary } from "./wire.ts";

const CLOSE_WAIT_MS = 10_000;

export class PortTaken extends Error {
  override name = "PortTaken";
}

/** Serves the API until stopped; requests in hand are answered first. */
export async function startApi(tributary: Tributary): Promise<{ url: string; stop: () => Promise<void> }> {
  const { config, sql, catalog, log, provider, settle, logger, afterCatalogChange } = tributary;
  const publicUrl = config.PUBLIC_URL ?? `http://${config.HOST}:${config.PORT}`;
  const operatorKey = config.OPERATOR_KEY ?? null;
  const app = createApp({
    sql,
    catalog,
    log,
    provider,
    settle,
    logger,
    operatorKey,
    publicUrl,
    afterCatalogChange,
  });
  const server = app.listen(config.PORT, config.HOST);
  await once(server, "listening").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EADDRINUSE") throw error;
    throw new PortTaken(`port ${config.PORT} is taken: set PORT to another one`, { cause: error });
  });
  const { port } = server.address() as AddressInfo;
  const stop = async () => {
    const closed = once(server, "close");
    server.close();
    server.closeIdleConnections();
    const impatient = setTimeout(() => server.closeAllConnections(), CLOSE_WAIT_MS);
    await closed;
    clearTimeout(impatient);
  };
  return { url: `http://${config.HOST}:${port}`, stop };
}
