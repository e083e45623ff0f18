import { exportSeals } from "../src/ledger/index.ts";
import { readConfig } from "../src/processes/config.ts";
import { openDatabase } from "../src/processes/database.ts";
import { runCommand } from "./run-command.ts";

/** Prints the chain's head and every seal as JSON, to be kept where who can write the database cannot write. */
async function main(): Promise<void> {
  const { sql, close } = await openDatabase(readConfig(process.env), "tributary-seal-export");
  try {
    console.log(JSON.stringify(await exportSeals(sql), null, 2));
  } finally {
    await close();
  }
}

runCommand(main);
