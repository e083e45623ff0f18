export { BUILT_IN_METERS, isBuiltInMeter, METER_PATTERN, meterScale } from "./meter.ts";
export {
  Amount,
  Currency,
  Meter,
  Per,
  PriceComponent,
  PriceTerms,
  USAGE_STATUSES,
  type UsageStatus,
  unitAmount,
} from "./price.ts";
export { rate } from "./rate.ts";
