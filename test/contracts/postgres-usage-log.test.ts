import { randomUUID } from "node:crypto";
import pino from "pino";
import postgres from "postgres";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { openPostgresUsageLog } from "../../src/adapters/postgres-log/postgres-usage-log.ts";
import { migrate, openSql, type Sql } from "../../src/postgres/index.ts";
import type { UsageLog } from "../../src/usage/index.ts";
import { keyOf, PARTITIONS } from "./log-values.ts";
import { PositionOfRecord } from "./position-of-record.ts";
import { type LogUnderTest, usageLogContract } from "./usage-log.contract.ts";

const log = pino({ level: "silent" });

async function emptyDatabase(): Promise<TestDatabase> {
  const admin = postgres(inject("postgresUrl"), { max: 1 });
  const name = `log_${randomUUID().replaceAll("-", "")}`;
  await admin.unsafe(`CREATE DATABASE ${name}`);
  const url = new URL(inject("postgresUrl"));
  url.pathname = name;
  const sql = openSql(url.href);
  await migrate(url.href);
  return {
    url: url.href,
    sql,
    async drop() {
      await sql.end({ timeout: 5 });
      await admin.unsafe(`DROP DATABASE ${name} WITH (FORCE)`);
      await admin.end();
    },
  };
}

interface TestDatabase {
  url: string;
  sql: Sql;
  drop(): Promise<void>;
}

usageLogContract("PostgreSQL", async (): Promise<LogUnderTest> => {
  const { url, sql, drop } = await emptyDatabase();
  return {
    open: () => openPostgresUsageLog({ sql, log, partitions: PARTITIONS }),
    openDead: () => openPostgresUsageLog({ sql: openSql("postgres://nobody@127.0.0.1:1/none"), log }),
    async beginAppend(value) {
      const session = postgres(url, { max: 1 });
      await session`BEGIN`;
      await session`SELECT append_usage_records(0, ARRAY[${Buffer.from(value)}::bytea])`;
      const finish = async (how: "COMMIT" | "ROLLBACK"): Promise<void> => {
        await session.unsafe(how);
        await session.end();
      };
      return { commit: () => finish("COMMIT"), abort: () => finish("ROLLBACK") };
    },
    async deleteBefore(partition, offset) {
      await sql`DELETE FROM usage_log_record WHERE partition = ${partition} AND "offset" < ${offset.toString()}`;
    },
    async recreate() {
      await sql`TRUNCATE usage_log, usage_log_partition, usage_log_record`;
      await sql`INSERT INTO usage_log DEFAULT VALUES`;
    },
    end: drop,
  };
});

describe("reading the PostgreSQL log", () => {
  let database: TestDatabase;
  let usageLog: UsageLog;

  beforeEach(async () => {
    database = await emptyDatabase();
    usageLog = await openPostgresUsageLog({ sql: database.sql, log });
  });

  afterEach(async () => {
    await usageLog.close();
    await database.drop();
  });

  const append = (...values: string[]) =>
    usageLog.append(values.map((value) => ({ key: keyOf(2), value: Buffer.from(value) })));

  test("a record that is missing raises the alarm, and nothing after it is applied", async () => {
    await append("a", "b", "c");
    await database.sql`DELETE FROM usage_log_record WHERE "offset" = 1`;
    const position = new PositionOfRecord();
    await usageLog.read(position.reader());
    await expect
      .poll(() => position.alarms)
      .toEqual([
        { partition: 2, reason: "record 1 is missing from the log", missing: { from: 1n, until: 2n } },
      ]);
    expect(position.values()).toEqual(["a"]);
  });

  test("when the connections that hold the locks die, reading goes on", async () => {
    const position = new PositionOfRecord();
    await usageLog.read(position.reader());
    await append("a");
    await expect.poll(() => position.values()).toEqual(["a"]);
    await database.sql`
      SELECT pg_terminate_backend(pid) FROM pg_locks
      WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
    await append("b");
    await expect.poll(() => position.values(), { timeout: 10_000 }).toEqual(["a", "b"]);
  });

  test("a partition is read by one reading at a time, and by another when that one stops", async () => {
    const [first, second] = [new PositionOfRecord(), new PositionOfRecord()];
    const reading = await usageLog.read(first.reader());
    await append("a");
    await expect.poll(() => first.values()).toEqual(["a"]);
    await usageLog.read(second.reader());
    await append("b");
    await expect.poll(() => first.values()).toEqual(["a", "b"]);
    expect(second.claims).toEqual([]);
    await reading.stop();
    await expect.poll(() => second.values(), { timeout: 10_000 }).toEqual(["a", "b"]);
  });
});
