export { assert, InvariantBroken, present } from "./assert.ts";
export { canonicalJson, contentHash } from "./content-hash.ts";
export { csv } from "./csv.ts";
export {
  amountInWords,
  CURRENCY_PATTERN,
  digitsInWords,
  fromMinor,
  isCurrency,
  minorDigits,
  payableFloor,
  payoutStep,
  toMinor,
} from "./currency.ts";
export { DeadlinePassed, stopwatch, withinDeadline } from "./deadline.ts";
export { formatDecimal, formatScaled, isPowerOfTen, overPowerOfTen, parseDecimal } from "./decimal.ts";
export { BEGINNING_OF_TIME, formatInstant, type Instant, instantOf, now, parseInstant } from "./instant.ts";
export {
  floorToNanos,
  formatNanos,
  type Money,
  money,
  NANOS_PER_UNIT,
  type Nanos,
  parseNanos,
  roundToNanos,
} from "./nanos.ts";
export { firstDay, nextPeriod, type Period, parsePeriod, periodEnd, periodOfDay } from "./period.ts";
export { isPlainText } from "./plain-text.ts";
export {
  add,
  compare,
  floor,
  min,
  multiply,
  overCommonDenominator,
  type Rational,
  rational,
  roundHalfEven,
  subtract,
  sum,
  ZERO,
} from "./rational.ts";
export { type FieldError, invalidField, REFUSALS, Refusal, type RefusalCode } from "./refusal.ts";
