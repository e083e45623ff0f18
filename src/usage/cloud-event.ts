import { z } from "zod";
import { isPlainText } from "../kernel/index.ts";
import { USAGE_STATUSES } from "../pricing/index.ts";

export const EVENT_TYPE = "prediction.completed";

/** What people said and got: never metered, never in the log. */
export const PAYLOAD_FIELDS = ["input", "output", "logs", "error"] as const;

export const ID_LENGTH_MAX = 256;
export const SOURCE_LENGTH_MAX = 512;
export const VERSION_LENGTH_MAX = 128;
export const CUSTOMER_PATTERN = /^[A-Za-z0-9._@-]{1,64}$/;
export const HARDWARE_LENGTH_MAX = 64;
/** The kind of machine, as Replicate names them: `gpu-l40s`, `Nvidia A100 (80GB) GPU`. */
export const HARDWARE_PATTERN = /^[A-Za-z0-9][A-Za-z0-9 ._+/()@-]{0,63}$/;
export const MODEL_PATTERN = /^[A-Za-z0-9._@-]{1,64}\/[A-Za-z0-9._@-]{1,64}$/;

function plainText(max: number) {
  return z.string().min(1).max(max).refine(isPlainText, "text without control characters");
}

/** Whatever it is, it never makes an event a bad one: nothing is charged for it. */
const Anything = z.unknown();

/** A usage event as CloudEvents 1.0 JSON: the wire contract, over HTTP and in the log. Other attributes are ignored. */
export const CloudEvent = z
  .object({
    specversion: z.literal("1.0"),
    id: plainText(ID_LENGTH_MAX).meta({ example: "ufawqhfynnddngldkgtslldrkq" }),
    source: plainText(SOURCE_LENGTH_MAX).meta({ example: "//predictor/eu-1" }),
    type: z.literal(EVENT_TYPE),
    time: z.string().meta({
      example: "2023-11-16T18:17:03.979960Z",
      description: "RFC 3339; when the prediction finished.",
    }),
    subject: z
      .string()
      .regex(CUSTOMER_PATTERN, "the customer's id")
      .meta({ example: "customer-42", description: "The customer who is charged." }),
    data: z.object({
      model: z.string().regex(MODEL_PATTERN, "owner/name").meta({ example: "meta/llama-3-70b-instruct" }),
      version: plainText(VERSION_LENGTH_MAX).nullish(),
      status: z.enum(USAGE_STATUSES),
      metrics: z
        .record(z.string(), z.unknown())
        .nullish()
        .meta({ example: { predict_time: 1.234567, input_token_count: 4808, output_token_count: 10 } }),
      parent: plainText(ID_LENGTH_MAX)
        .nullish()
        .meta({ description: "The prediction that called this one, in a chain." }),
      input: Anything.optional().meta({
        description: "Kept apart from what is metered, without its secrets, for a time.",
      }),
      output: Anything.optional().meta({ description: "As the input; a stream as the list of its pieces." }),
      logs: Anything.optional(),
      error: Anything.optional(),
      hardware: Anything.optional().meta({
        example: "gpu-l40s",
        description: `The kind of machine that it ran on, ${HARDWARE_PATTERN.source}; anything else counts as not told. Nothing is charged for it.`,
      }),
      created_at: Anything.optional(),
      started_at: Anything.optional(),
    }),
  })
  .meta({ id: "UsageEvent" });
export type CloudEvent = z.infer<typeof CloudEvent>;
