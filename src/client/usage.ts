export type UsageStatus = "succeeded" | "failed" | "canceled" | "aborted";

/** What one prediction used. */
export interface Usage {
  /** The prediction's own id, at most 256 characters: what is sent twice under it counts once. Made when there is none. */
  id?: string;
  /** The id of the customer who is charged. */
  customer: string;
  /** "owner/name". */
  model: string;
  version?: string;
  /** `succeeded` when not given. */
  status?: UsageStatus;
  /** When it finished; now when not given. */
  time?: Date;
  /** As measured: predict_time in seconds, input_token_count, output_token_count, image_count, and others of the model's own. */
  metrics?: Record<string, number>;
  /** The id of the prediction that called this one. */
  parent?: string;
  /**
   * What came in and out, of any kind, a stream as the list of its pieces. It is kept for a time, without its secrets, and
   * never decides what is charged. What does not fit into a request is left out, and what was used counts all the same.
   */
  input?: unknown;
  output?: unknown;
  logs?: unknown;
  error?: unknown;
  /** What it ran on, such as "gpu-l40s". */
  hardware?: string;
  created_at?: Date;
  started_at?: Date;
}

/** A usage event as it is sent: CloudEvents 1.0. */
export interface UsageEvent {
  specversion: "1.0";
  id: string;
  source: string;
  type: "prediction.completed";
  time: string;
  subject: string;
  data: Omit<Usage, "id" | "customer" | "time"> & { status: UsageStatus };
}

/** The event with what is metered alone; undefined when it has nothing else. */
export function withoutPayload(event: UsageEvent): UsageEvent | undefined {
  const { input, output, logs, error, ...data } = event.data;
  const bare = [input, output, logs, error].every((value) => value === undefined);
  return bare ? undefined : { ...event, data };
}

export function toEvent(usage: Usage, source: string): UsageEvent & { id: string } {
  const { id = crypto.randomUUID(), customer, time = new Date(), status = "succeeded", ...data } = usage;
  const { model, version, metrics = {}, parent, ...payload } = data;
  // In the order in which the log has them: so they are taken over as they are, which is several times faster.
  return {
    specversion: "1.0",
    id,
    source,
    type: "prediction.completed",
    time: time.toISOString(),
    subject: customer,
    data: {
      model,
      ...(version === undefined ? {} : { version }),
      status,
      metrics,
      ...(parent === undefined ? {} : { parent }),
      ...payload,
    },
  };
}
