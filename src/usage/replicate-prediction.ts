import { z } from "zod";
import { USAGE_STATUSES } from "../pricing/index.ts";
import { EVENT_TYPE, MODEL_PATTERN } from "./cloud-event.ts";

const UNFINISHED = ["starting", "processing"] as const;
/** What Replicate's predictions are known by, with their id. */
export const REPLICATE_SOURCE = "//replicate";

/** A prediction as Replicate's API returns it and its webhooks send it. What else it holds is not read. */
export const ReplicatePrediction = z
  .object({
    id: z.string(),
    model: z.string().regex(MODEL_PATTERN, "owner/name").meta({ example: "meta/llama-3-70b-instruct" }),
    version: z
      .string()
      .nullish()
      .meta({ description: '"hidden" for official models: then none is recorded.' }),
    status: z.enum([...UNFINISHED, ...USAGE_STATUSES]),
    created_at: z.string(),
    started_at: z.string().nullish(),
    completed_at: z
      .string()
      .nullish()
      .meta({ description: "When it finished: the time that it is charged at." }),
    metrics: z
      .record(z.string(), z.unknown())
      .nullish()
      .meta({ example: { predict_time: 1.234567 } }),
    input: z.unknown().optional(),
    output: z.unknown().optional(),
    logs: z.unknown().optional(),
    error: z.unknown().optional(),
    data_removed: z
      .unknown()
      .optional()
      .meta({ description: "True: Replicate keeps what came in and out no more, and neither does this." }),
  })
  .meta({ id: "ReplicatePrediction" });
export type ReplicatePrediction = z.infer<typeof ReplicatePrediction>;

/**
 * The usage event of a prediction that finished; undefined while it runs. It is told by its id and the source, so a
 * webhook that is sent again is a duplicate. One that ended before it was completed (canceled while it waited) counts when
 * it last moved.
 * @param customer who is charged: Replicate does not know.
 */
export function eventOfReplicatePrediction(
  prediction: ReplicatePrediction,
  customer: string,
  source = REPLICATE_SOURCE,
): object | undefined {
  const { id, model, version, status, created_at, started_at, completed_at, metrics } = prediction;
  const { input, output, logs, error, data_removed } = prediction;
  const payload = data_removed === true ? {} : { input, output, logs, error };
  if ((UNFINISHED as readonly string[]).includes(status)) return undefined;
  return {
    specversion: "1.0",
    id,
    source,
    type: EVENT_TYPE,
    time: completed_at ?? started_at ?? created_at,
    subject: customer,
    data: {
      model,
      version: version === "hidden" ? null : version,
      status,
      metrics,
      created_at,
      started_at,
      ...payload,
    },
  };
}
