import { runChecks } from "../src/audit/index.ts";
import { ConfigInvalid, readConfig } from "../src/processes/config.ts";
import { openDatabase } from "../src/processes/database.ts";

/** Replays and proves the books; exit 1 and a list on any difference. */
async function main(): Promise<void> {
  const { sql, close } = await openDatabase(readConfig(process.env), "tributary-verify");
  try {
    const results = await runChecks(sql);
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

main().catch((error: unknown) => {
  console.error(error instanceof ConfigInvalid ? error.message : error);
  process.exitCode = 1;
});
