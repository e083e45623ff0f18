import { setTimeout as pause } from "node:timers/promises";
import { openPostgresUsageLog } from "../../src/adapters/postgres-log/postgres-usage-log.ts";
import { present } from "../../src/kernel/index.ts";
import { setOddDefaults } from "../support/database.ts";
import { until } from "../support/until.ts";
import { describeFaults, type Fault } from "./harness/describe-faults.ts";
import { openKafkaAdmin } from "./log/kafka-admin.ts";
import { openForeignProducer } from "./poison/foreign-producer.ts";
import { freshEvents } from "./producing/batches.ts";

/** Longer than a call of metering may take. */
const LOCKED_MS = 40_000;
const MORE_PARTITIONS = 7;

const oddDefaults: Fault = {
  name: "odd defaults of the database",
  async strike({ database: { sql } }) {
    const odd = await setOddDefaults(sql);
    // New sessions have them.
    await sql`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name LIKE 'tributary-%' AND application_name <> 'tributary-faults'`;
    return `${odd.join(", ")}, and every session begun anew; they stay for the faults that follow`;
  },
};

/** @param lock a statement that takes locks which the end of its transaction gives back */
function lockedBySomebody(name: string, lock: string, told: string): Fault {
  return {
    name,
    async strike({ database: { sql } }) {
      const session = await sql.reserve();
      try {
        await session`BEGIN`;
        await session.unsafe(lock);
        await pause(LOCKED_MS);
      } finally {
        await session`ROLLBACK`;
        session.release();
      }
      return `${told}, for ${LOCKED_MS / 1000} s`;
    },
  };
}

const tableLocked = lockedBySomebody(
  "a table of metering locked by somebody else",
  "LOCK TABLE usage_identity IN ACCESS EXCLUSIVE MODE",
  "usage_identity, as VACUUM FULL does",
);

const cursorsLocked = lockedBySomebody(
  "the cursors locked by somebody else",
  "SELECT FROM metering_cursor FOR UPDATE",
  "FOR UPDATE in a session that was forgotten",
);

const killedAgainAndAgain: Fault = {
  name: "kill -9 of PostgreSQL again and again",
  async strike({ database, usage, producer }) {
    const kills = 4;
    for (let kill = 0; kill < kills; kill += 1) {
      const { length } = producer.acknowledged.events;
      await database.kill();
      await database.start();
      const enough = length + Math.floor(usage.random() * 30);
      await until(() => producer.acknowledged.events.length > enough);
    }
    return `${kills} times, as soon as some more were acknowledged`;
  },
};

const morePartitionsOfPostgres: Fault = {
  name: "another process makes more partitions and fills them",
  async strike(stage) {
    const { database, producer } = stage;
    const log = await openPostgresUsageLog({
      sql: database.sql,
      partitions: MORE_PARTITIONS,
      log: { warn: () => {} },
    });
    const events = freshEvents(stage, "elsewhere", 60);
    await log.append(events.map((event) => ({ key: event.id, value: Buffer.from(JSON.stringify(event)) })));
    await log.close();
    producer.acknowledged.events.push(...events);
    return `from 4 to ${MORE_PARTITIONS}, and ${events.length} records on all of them`;
  },
};

const morePartitionsOfKafka: Fault = {
  name: "partitions added to the topic and filled",
  async strike(stage) {
    const { brokers } = present(stage.broker, "a broker");
    const admin = await openKafkaAdmin(brokers);
    const events = freshEvents(stage, "added", 60);
    try {
      await admin.setPartitions(MORE_PARTITIONS);
    } finally {
      await admin.close();
    }
    const foreign = await openForeignProducer(brokers);
    for (const [n, event] of events.entries())
      await foreign.produce(n % MORE_PARTITIONS, [Buffer.from(JSON.stringify(event))]);
    await foreign.close();
    stage.producer.acknowledged.events.push(...events);
    return `from 4 to ${MORE_PARTITIONS} under running workers, ${events.length} records on all of them`;
  },
};

const postgres = { log: "postgres", partitions: 4, workers: 1 } as const;
describeFaults("What others do to the database, with the PostgreSQL log", postgres, [
  oddDefaults,
  tableLocked,
  cursorsLocked,
  killedAgainAndAgain,
  morePartitionsOfPostgres,
]);

describeFaults("What others do to the topic", { log: "kafka", partitions: 4, workers: 1 }, [
  morePartitionsOfKafka,
]);
