import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApi, type TestApi } from "../support/api.ts";
import { until } from "../support/until.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";

interface Partition {
  partition: number;
  log: { id: string; start: string; end: string };
  cursor: { log_id: string; offset: string };
  broken: string | null;
  lost: { from: string; until: string } | null;
  accepted: unknown[];
}

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ USAGE_PARTITIONS: "1" });
  await api.load(SMALL_CATALOG);
  await api.send(usageEvent({ id: "metered" }));
});
afterAll(() => api.stop());

async function shown(of = api): Promise<Partition> {
  const { body } = await of.operator("GET", "/v1/metering/partitions");
  return (body as { data: [Partition] }).data[0];
}

const accept = (cursor: Partition["cursor"], partition = 0, of = api) =>
  of.operator("POST", `/v1/metering/partitions/${partition}/accept-loss`, {
    cursor,
    reason: "disk of broker 2",
  });

test("of a partition that is whole nothing can be accepted as lost", async () => {
  const { cursor, ...partition } = await shown();
  expect(partition).toMatchObject({ partition: 0, broken: null, lost: null, accepted: [] });
  expect(await accept(cursor)).toMatchObject({ status: 409, body: { code: "log_loss_changed" } });
  expect(await accept(cursor, 7)).toMatchObject({ status: 404 });
});

test("what was lost is shown, and the cursor moves beyond it once a person says so; who and why stay known", async () => {
  // As retention leaves a log whose metering stood still: it begins after the cursor.
  await api.sql`UPDATE usage_log_partition SET next_offset = next_offset + 5`;
  await api.sql`DELETE FROM usage_log_record`;
  const { cursor, broken, lost } = await shown();
  expect(broken).toMatch(/^the log begins at 6, after its cursor at 1$/);
  expect(lost).toEqual({ from: "1", until: "6" });
  expect(await accept({ ...cursor, offset: "0" })).toMatchObject({
    status: 409,
    body: { code: "log_loss_changed", detail: expect.stringContaining("stands elsewhere by now") },
  });

  expect(await accept(cursor)).toMatchObject({ status: 200 });
  const after = await shown();
  const to = { log_id: cursor.log_id, offset: "6" };
  expect(after).toMatchObject({ cursor: to, broken: null, lost: null });
  expect(after.accepted).toMatchObject([
    { from: cursor, to, reason: "disk of broker 2", accepted_by: "operator" },
  ]);
  await expect(api.sql`UPDATE log_loss SET reason = 'none'`).rejects.toThrow("append-only");
  expect(await accept(cursor)).toMatchObject({ status: 409 });
});

test("records that a worker saw missing within the log are shown, and passed over once a person says so", async () => {
  const own = await startTestApi({ USAGE_PARTITIONS: "1" });
  try {
    await own.load(SMALL_CATALOG);
    await own.send(usageEvent({ id: "metered" }));
    await own.sql`UPDATE usage_log_partition SET next_offset = next_offset + 2`;
    const batch = { "Content-Type": "application/cloudevents-batch+json" };
    await own.operator("POST", "/v1/events", JSON.stringify([usageEvent({ id: "behind" })]), batch);
    await until(async () => (await shown(own)).broken !== null);
    const { cursor, broken, lost } = await shown(own);
    expect({ cursor, broken, lost }).toMatchObject({
      cursor: { offset: "1" },
      broken: "records 1 to 2 are missing from the log",
      lost: { from: "1", until: "3" },
    });
    expect(await accept(cursor, 0, own)).toMatchObject({ status: 200 });
    expect(await shown(own)).toMatchObject({ cursor: { offset: "3" }, broken: null, lost: null });
    expect(await accept({ ...cursor, offset: "3" }, 0, own)).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining("nothing is lost") },
    });
  } finally {
    await own.stop();
  }
});
