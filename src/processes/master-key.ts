import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { KEY_BYTES, type MasterKey, masterKey } from "../predictions/index.ts";
import type { Config } from "./config.ts";

/** The keys that wrap the customers' data keys: those of MASTER_KEY, or this data folder's own, made when there is none. */
export async function readMasterKeys(config: Config): Promise<MasterKey[]> {
  if (config.MASTER_KEY !== undefined) return config.MASTER_KEY.map(masterKey);
  const path = join(config.DATA_DIR, "master-key");
  const known = await readFile(path, "utf8").catch(ifMissing);
  return [masterKey(Buffer.from(known ?? (await makeKey(config.DATA_DIR, path)), "base64"))];
}

/** Written whole beside its place and linked there, so that of several processes the first one's is everybody's. */
async function makeKey(folder: string, path: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const draft = `${path}-${process.pid}-${randomBytes(4).toString("hex")}`;
  await writeFile(draft, randomBytes(KEY_BYTES).toString("base64"), { mode: 0o600, flush: true });
  try {
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  } finally {
    await rm(draft);
  }
  return readFile(path, "utf8");
}

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
