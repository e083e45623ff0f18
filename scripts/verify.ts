import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { z } from "zod";
import { runChecks } from "../src/audit/index.ts";
import { Refusal } from "../src/kernel/index.ts";
import { readConfig } from "../src/processes/config.ts";
import { openDatabase } from "../src/processes/database.ts";
import { runCommand } from "./run-command.ts";

const Kept = z.object({
  head: z.object({ chain_no: z.string(), hash: z.string() }).nullable(),
  seals: z.array(
    z.object({
      period: z.string(),
      chain_no: z.string(),
      hash: z.string(),
      trial_balance_hash: z.string(),
      sealed_at: z.string(),
    }),
  ),
});

/** Replays and proves the books; exit 1 and a list on any difference. `--seal <file>`: what `seal:export` gave earlier. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { seal: { type: "string" } } });
  const kept = values.seal === undefined ? undefined : readSeals(values.seal);
  const { sql, close } = await openDatabase(readConfig(process.env), "tributary-verify");
  try {
    const results = await runChecks(sql, kept);
    for (const { law, differences } of results) {
      console.log(`${differences.length === 0 ? "ok    " : "BROKEN"} ${law}`);
      for (const difference of differences) console.log(`         ${difference}`);
    }
    const broken = results.filter(({ differences }) => differences.length > 0).length;
    console.log(
      broken === 0 ? `All ${results.length} laws hold.` : `${broken} of ${results.length} laws are broken.`,
    );
    if (broken > 0) process.exitCode = 1;
  } finally {
    await close();
  }
}

function readSeals(file: string) {
  const text = readFileSync(file, "utf8");
  try {
    // Without `-s`, npm writes the command's name before what it prints.
    return Kept.parse(JSON.parse(text.slice(Math.max(0, text.indexOf("{")))));
  } catch {
    throw new Refusal("parameter_invalid", `--seal: ${file} is not what npm run seal:export wrote`);
  }
}

runCommand(main);
