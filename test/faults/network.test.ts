import { lagOf, meteringCursors, positionsOf } from "../../src/metering/index.ts";
import { until } from "../support/until.ts";
import { meteringCounters } from "./harness/check.ts";
import { describeFaults, type Fault } from "./harness/describe-faults.ts";
import { HEAL_WITHIN_MS } from "./harness/settings.ts";
import type { Stage } from "./harness/stage.ts";
import type { Moment } from "./network/apply-spy.ts";
import type { Fate } from "./network/network.ts";
import { deathAt, FAILPOINTS } from "./worker/failpoints.ts";

const RECORDS_BEHIND = 25;

/** Resolves when metering is so far behind that nobody can doubt it stands. */
function untilBehind(stage: Stage): Promise<void> {
  return until(async () => (await meteringCounters(stage)).lag >= RECORDS_BEHIND);
}

function untilSentAgain({ producer: { acknowledged } }: Stage): Promise<void> {
  const before = acknowledged.retries;
  return until(() => acknowledged.retries > before);
}

/** At some apply, several times. */
function strikeApplies(name: string, moment: Moment, fate: Fate, done: string): Fault {
  return {
    name,
    async strike({ workerNetwork, usage }) {
      const times = 4;
      for (let time = 0; time < times; time += 1)
        await workerNetwork.atApply(moment, 1 + Math.floor(usage.random() * 3), () => fate);
      return `${times} times: ${done}`;
    },
  };
}

const workersHang: Fault = {
  name: "the network between workers and PostgreSQL hangs, and comes back",
  async strike(stage) {
    stage.workerNetwork.hang();
    await untilBehind(stage);
    await stage.workerNetwork.heal();
    return `nothing came through in either direction until ${RECORDS_BEHIND} records waited; connections stayed open`;
  },
};

const apiHangs: Fault = {
  name: "the network between the API and PostgreSQL hangs, and comes back",
  async strike(stage) {
    stage.apiNetwork.hang();
    await untilSentAgain(stage);
    await stage.apiNetwork.heal();
    return "until producers gave up waiting and sent again";
  },
};

const workersCut: Fault = {
  name: "the workers cannot reach PostgreSQL",
  async strike(stage) {
    await stage.workerNetwork.cut();
    await untilBehind(stage);
    await stage.workerNetwork.heal();
    return `connections reset, new ones refused until ${RECORDS_BEHIND} records waited`;
  },
};

const readOnly: Fault = {
  name: "the database is read-only",
  async strike(stage) {
    const { sql } = stage.database;
    await sql.unsafe("ALTER SYSTEM SET default_transaction_read_only = on");
    await sql`SELECT pg_reload_conf()`;
    await untilSentAgain(stage);
    await sql.unsafe("ALTER SYSTEM RESET default_transaction_read_only");
    await sql`SELECT pg_reload_conf()`;
    return "for all sessions, until producers had sent again; then writable";
  },
};

const oneAnswerLost: Fault = {
  name: "the answer of one apply never comes, while other partitions go on",
  async strike(stage) {
    await stage.workerNetwork.atApply("committed", 1, () => "lose");
    await untilBehind(stage);
    const log = await stage.openLog();
    const positions = async () =>
      positionsOf(await log.extent(), await meteringCursors(stage.database.sql)).sort((a, b) =>
        Number(lagOf(b) - lagOf(a)),
      );
    const [standing] = await positions();
    // Events flow as long as this takes: it has to heal with no pause in the traffic of the others.
    await until(async () => {
      const now = (await positions()).find(({ partition }) => partition === standing?.partition);
      return now?.next !== standing?.next;
    }, HEAL_WITHIN_MS).finally(() => log.close());
    return `committed, and the connection hung for good; events flowed until partition ${standing?.partition} went on`;
  },
};

const workersLost: Fault = {
  name: "the workers' connections hang for good",
  async strike(stage) {
    stage.workerNetwork.loseConnections();
    await untilBehind(stage);
    return "those there were never carried anything again, and nobody was told; new ones work";
  },
};

const apiLost: Fault = {
  name: "the API's connections hang for good",
  async strike(stage) {
    stage.apiNetwork.loseConnections();
    return "those there were never carried anything again, and nobody was told; new ones work";
  },
};

const settings = {
  log: "postgres",
  partitions: 4,
  workers: 2,
  environment: { PROGRESS_LIMIT_SECONDS: "5" },
} as const;

describeFaults("Network and database, with the PostgreSQL log", settings, [
  strikeApplies(
    "the answer of the apply is lost",
    "committed",
    "cut",
    "committed, then the connection reset",
  ),
  strikeApplies("the apply never arrives", "asked", "cut", "the connection reset before its last bytes"),
  workersCut,
  workersHang,
  apiHangs,
  readOnly,
  strikeApplies(
    "the answer of the apply never comes",
    "committed",
    "lose",
    "committed, and the connection hung for good",
  ),
  workersLost,
  oneAnswerLost,
  apiLost,
]);

describeFaults(
  "Workers on the PostgreSQL log",
  { log: "postgres", partitions: 4, workers: 1 },
  FAILPOINTS.map(deathAt),
);
