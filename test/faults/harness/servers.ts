import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Network } from "../network/network.ts";
import { type Broker, startBroker } from "./broker.ts";
import { type Database, startDatabase } from "./database.ts";
import type { Opened } from "./opened.ts";
import type { StageSettings } from "./stage.ts";

/** What the product's processes need, before any of them is there. */
export interface Servers {
  /** For everything that is not a server's own. */
  folder: string;
  database: Database;
  broker: Broker | null;
  openNetwork(): Promise<Network>;
}

export async function startServers({ log, diskMiB }: StageSettings, opened: Opened): Promise<Servers> {
  const folder = await mkdtemp(join(tmpdir(), "tributary-faults-"));
  opened.later(() => rm(folder, { recursive: true, force: true }));
  const starting = [
    opened.part(startDatabase(diskMiB === undefined ? {} : { diskMiB })),
    log === "kafka" ? opened.part(startBroker()) : null,
  ] as const;
  // Each is there or has failed before anything is closed again.
  await Promise.allSettled(starting);
  const [database, broker] = await Promise.all(starting);
  async function openNetwork(): Promise<Network> {
    const network = new Network({ host: "127.0.0.1", port: database.port });
    await network.start();
    return opened.part(Promise.resolve(network));
  }
  return { folder, database, broker, openNetwork };
}
