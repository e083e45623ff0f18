import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Runs a program to its end and answers what it printed, on either stream.
 * @throws Error of one line, `missing` when there is no such program.
 */
export async function runTool(program: string, args: string[], missing: string): Promise<string> {
  try {
    const { stdout, stderr } = await run(program, args, { maxBuffer: 64 * 1024 * 1024 });
    return stdout + stderr;
  } catch (error) {
    const { code, stdout = "", stderr = "" } = error as { code?: string; stdout?: string; stderr?: string };
    if (code === "ENOENT") throw new Error(missing, { cause: error });
    const lines = (stdout + stderr).trim().split("\n");
    const telling = lines.find((line) => /error|exception/i.test(line)) ?? lines.at(-1);
    throw new Error(`${program} failed: ${telling}`, { cause: error });
  }
}
