export { ApiClient, type ApiClientOptions, type ApiFile } from "./api-client.ts";
export { ApiError, type ApiErrorField } from "./api-error.ts";
export type { Answer, Input, Item, Listing, Operation, Schema } from "./api-operations.ts";
export { type MeterOptions, meterOpenAi } from "./express-meter.ts";
export { metricsOfOpenAiUsage, type OpenAiUsage } from "./open-ai.ts";
export type { Rejection } from "./send-batch.ts";
export type { Usage, UsageEvent, UsageStatus } from "./usage.ts";
export { UsageClient, type UsageClientOptions, UsageQueueFull } from "./usage-client.ts";
