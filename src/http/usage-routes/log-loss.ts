import { z } from "zod";
import { acceptLogLoss, type PartitionState, partitionStates } from "../../metering/index.ts";
import { defineRoute, type Route } from "../route.ts";
import { Done } from "../schemas.ts";

const offset = z
  .string()
  .regex(/^\d{1,18}$/)
  .meta({ example: "30000" });
const Place = z.object({ log_id: z.string().min(1).max(512), offset });

const PartitionView = z.object({
  partition: z.int(),
  log: z.object({ id: z.string(), start: offset, end: offset }),
  cursor: Place.nullable(),
  broken: z.string().nullable().meta({ description: "Why metering cannot go on without a person." }),
  lost: z.object({ from: offset, until: offset }).nullable().meta({
    description: "Records that were never metered and are gone; null when none are, or nobody can know.",
  }),
  accepted: z.array(
    z.object({
      from: Place,
      to: Place,
      reason: z.string(),
      accepted_by: z.string(),
      accepted_at: z.string(),
    }),
  ),
});

const listPartitions = defineRoute({
  method: "get",
  path: "/metering/partitions",
  summary: "Where each partition of the usage log and its cursor stand, and what was lost between them",
  roles: ["operator"],
  response: z.object({ data: z.array(PartitionView) }),
  async handle({ context }) {
    const states = await partitionStates(context.sql, context.log);
    return { body: { data: states.map(viewOf) } };
  },
});

function viewOf({ partition, log, cursor, broken, lost, accepted }: PartitionState) {
  return {
    partition,
    log: { id: log.id, start: log.start.toString(), end: log.end.toString() },
    cursor: cursor === null ? null : { log_id: cursor.logId, offset: cursor.offset.toString() },
    broken,
    lost: lost === null ? null : { from: lost.from.toString(), until: lost.until.toString() },
    accepted: accepted.map((loss) => ({
      from: { log_id: loss.fromLogId, offset: loss.fromOffset },
      to: { log_id: loss.toLogId, offset: loss.toOffset },
      reason: loss.reason,
      accepted_by: loss.acceptedBy,
      accepted_at: loss.acceptedAt.toISOString(),
    })),
  };
}

const postAcceptLoss = defineRoute({
  method: "post",
  path: "/metering/partitions/{partition}/accept-loss",
  summary:
    "Say that what the log lost is lost, and why: the partition goes on at the log's start once workers start again",
  roles: ["operator"],
  params: z.object({
    partition: z
      .string()
      .regex(/^\d{1,9}$/)
      .transform(Number),
  }),
  body: z.strictObject({
    cursor: Place.meta({
      description: "As GET /metering/partitions shows it: when it moved since, this is refused.",
    }),
    reason: z.string().min(1).max(500),
  }),
  response: Done,
  async handle({ params, body, principal, context }) {
    const { cursor, reason } = body;
    const seen = { logId: cursor.log_id, offset: BigInt(cursor.offset) };
    await acceptLogLoss(context.sql, context.log, params.partition, seen, { reason, by: principal.id });
    return { body: { ok: true } };
  },
});

export const logLossRoutes: Route[] = [listPartitions, postAcceptLoss];
