import { Refusal, type RefusalCode } from "../src/kernel/index.ts";
import { ConfigInvalid, readConfig } from "../src/processes/config.ts";
import { createLogger } from "../src/processes/logger.ts";
import { type Tributary, wire } from "../src/processes/wire.ts";

/** Opens what a command needs, quietly unless LOG_LEVEL says otherwise, and closes it whatever happens. */
export async function withTributary(
  name: string,
  work: (tributary: Tributary) => Promise<void>,
): Promise<void> {
  const config = readConfig(process.env);
  const logger = createLogger(process.env.LOG_LEVEL === undefined ? "warn" : config.LOG_LEVEL);
  const tributary = await wire(config, logger, name);
  try {
    await work(tributary);
  } finally {
    await tributary.close();
  }
}

/**
 * Runs a command to its end. What people can do something about is told in a line, anything else with its stack. With `--json` the
 * error is JSON on standard output too. Ends with 64 when the arguments are wrong:
 * who runs it again for any other code would run a typo for ever.
 * @param exitCodes of refusals that scripts tell apart; 1 for all else
 */
export function runCommand(
  main: () => Promise<void>,
  exitCodes: Partial<Record<RefusalCode, number>> = {},
): void {
  main().catch((error: unknown) => {
    const refused = error instanceof Refusal ? error.code : undefined;
    const message = error instanceof Error ? error.message : String(error);
    if (process.argv.includes("--json"))
      console.log(JSON.stringify({ error: refused ?? "failed", detail: message }));
    const expected = refused !== undefined || error instanceof ConfigInvalid || isOfTheSystem(error);
    console.error(expected || areArguments(error) ? message : error);
    const wrongUsage = areArguments(error) || refused === "parameter_invalid";
    process.exitCode = wrongUsage ? 64 : ((refused && exitCodes[refused]) ?? 1);
  });
}

/** A file that is not there, a server that does not answer. */
function isOfTheSystem(error: unknown): boolean {
  return error instanceof Error && "errno" in error;
}

function areArguments(error: unknown): boolean {
  return error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}
