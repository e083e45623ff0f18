import { randomBytes } from "node:crypto";
import { chown, link, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { embeddedBinaries, exists, runToEnd } from "./binaries.ts";
import { freePort } from "./free-port.ts";
import { alive } from "./postmaster.ts";
import type { RunAs } from "./server-user.ts";

const Settings = z.object({ port: z.int().min(1).max(65_535), password: z.string().min(1) });

/** What postgres.json holds. The port is where the server starts next; a running one says its own. */
export type Settings = z.infer<typeof Settings>;

/** The superuser and the database, both of this name. */
export const OWNER = "tributary";

/** The cluster of a data folder, whole: with its user, its password and its database. @throws Error */
export async function prepareCluster(dataDir: string, runAs: RunAs): Promise<Settings> {
  const cluster = join(dataDir, "postgres");
  const made = await isCluster(cluster);
  const settings = await readSettings(dataDir);
  if (made) {
    if (settings !== undefined) return settings;
    throw new Error(
      `${join(dataDir, "postgres.json")} is missing, and with it the password of ${cluster}: put it back, or set DATA_DIR to another folder`,
    );
  }
  // The password is settled first, so that two starts at once make clusters of which either may stay.
  const agreed = settings ?? (await agreeOnSettings(dataDir));
  await removeLeftovers(dataDir);
  await makeCluster(dataDir, cluster, agreed, runAs);
  return agreed;
}

/** Remembers the port that a start had to move to. */
export async function keepPort(dataDir: string, settings: Settings, port: number): Promise<void> {
  if (settings.port === port) return;
  await rename(await writeDraft(dataDir, { ...settings, port }), join(dataDir, "postgres.json"));
}

async function readSettings(dataDir: string): Promise<Settings | undefined> {
  const path = join(dataDir, "postgres.json");
  try {
    return Settings.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`${path} cannot be read: put back the file, or set DATA_DIR to another folder`, {
      cause: error,
    });
  }
}

async function agreeOnSettings(dataDir: string): Promise<Settings> {
  const proposal = { port: await freePort(), password: randomBytes(24).toString("base64url") };
  const draft = await writeDraft(dataDir, proposal);
  try {
    await link(draft, join(dataDir, "postgres.json"));
    return proposal;
  } catch (error) {
    const agreed = await readSettings(dataDir);
    if (agreed === undefined) throw error;
    return agreed;
  } finally {
    await rm(draft);
  }
}

async function writeDraft(dataDir: string, settings: Settings): Promise<string> {
  const draft = join(dataDir, `postgres.json-${process.pid}-${randomBytes(4).toString("hex")}`);
  await writeFile(draft, `${JSON.stringify(settings)}\n`, { mode: 0o600, flush: true });
  return draft;
}

/** Makes it beside its place and moves it there whole: a kill in between leaves nothing half made. */
async function makeCluster(
  dataDir: string,
  cluster: string,
  settings: Settings,
  runAs: RunAs,
): Promise<void> {
  const draft = await mkdtemp(join(dataDir, `postgres-new-${process.pid}-`));
  const passwordFile = `${draft}.password`;
  try {
    await writeFile(passwordFile, settings.password, { mode: 0o600 });
    if (runAs.uid !== undefined)
      for (const path of [draft, passwordFile]) await chown(path, runAs.uid, runAs.gid ?? runAs.uid);
    const { initdb, postgres } = await embeddedBinaries(dataDir, runAs);
    const access = [`--username=${OWNER}`, `--pwfile=${passwordFile}`, "--auth=scram-sha-256"];
    const locale = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"];
    await runToEnd(initdb, [`--pgdata=${draft}`, ...access, ...locale], runAs);
    const alone = ["--single", "-D", draft, "-c", "exit_on_error=on", "postgres"];
    await runToEnd(postgres, alone, runAs, `CREATE DATABASE ${OWNER}\n`);
    await moveIntoPlace(draft, cluster, dataDir);
  } finally {
    await rm(passwordFile, { force: true });
    await rm(draft, { recursive: true, force: true });
  }
}

async function moveIntoPlace(draft: string, cluster: string, dataDir: string): Promise<void> {
  try {
    await rename(draft, cluster);
  } catch (error) {
    if (await isCluster(cluster)) return; // Another process was faster: its cluster stays.
    throw new Error(
      `${cluster} is not a PostgreSQL cluster: move it away, or set DATA_DIR to another folder`,
      { cause: error },
    );
  }
  // What is committed from now on must not outlive its folder's name at a power failure.
  const folder = await open(dataDir);
  await folder.sync().finally(() => folder.close());
}

/** Drafts of processes that were killed while they made a cluster. */
async function removeLeftovers(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    const maker = /^postgres(?:-new|\.json)-(\d+)-/.exec(name)?.[1];
    if (maker !== undefined && !alive(Number(maker)))
      await rm(join(dataDir, name), { recursive: true, force: true });
  }
}

function isCluster(path: string): Promise<boolean> {
  return exists(join(path, "PG_VERSION"));
}
