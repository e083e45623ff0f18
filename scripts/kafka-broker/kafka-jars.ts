import { existsSync } from "node:fs";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runTool } from "./run-tool.ts";

export const KAFKA_VERSION = "4.1.1";

/**
 * The folder with the broker's jars (54 MB), fetched through Maven the first time.
 * @throws Error of one line when Maven is missing or cannot fetch them.
 */
export async function kafkaJars(): Promise<string> {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const jars = join(cache, "tributary", `kafka-${KAFKA_VERSION}`);
  if (existsSync(jars)) return jars;
  await mkdir(dirname(jars), { recursive: true });
  const unlock = await lock(`${jars}.lock`);
  try {
    if (!existsSync(jars)) await download(jars);
  } finally {
    await unlock();
  }
  return jars;
}

/** Complete or not there at all: a start that was killed halfway leaves nothing that looks like a broker. */
async function download(jars: string): Promise<void> {
  const partial = `${jars}.partial`;
  await rm(partial, { recursive: true, force: true });
  const pom = join(import.meta.dirname, "pom.xml");
  const goal = ["-B", "-q", "-f", pom, `-Dkafka.version=${KAFKA_VERSION}`, "dependency:copy-dependencies"];
  const options = [`-DoutputDirectory=${partial}`, "-DincludeScope=runtime"];
  await runTool("mvn", [...goal, ...options], "the Kafka broker comes through Maven: install maven");
  await rename(partial, jars);
}

async function lock(path: string): Promise<() => Promise<void>> {
  for (;;) {
    try {
      const file = await open(path, "wx");
      await file.writeFile(String(process.pid));
      await file.close();
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      if (await isAbandoned(path)) await rm(path, { force: true });
      else await sleep(200);
    }
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  const pid = Number(await readFile(path, "utf8").catch(() => ""));
  if (pid === 0) return false; // just made, or just gone
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
