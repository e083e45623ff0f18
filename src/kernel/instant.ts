/** A moment in microseconds since 1970-01-01T00:00:00Z, as precise as PostgreSQL's timestamptz. */
export type Instant = bigint;

/** Versions without a date are valid from here: 0001-01-01T00:00:00Z. */
export const BEGINNING_OF_TIME: Instant = -62_135_596_800_000_000n;

const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,18}))?([Zz]|[+-]\d{2}:\d{2})$/;

/** Reads an RFC 3339 time, truncated to microseconds; undefined when it is none or no such day exists. */
export function parseInstant(text: string): Instant | undefined {
  const match = RFC3339.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = "", zone = "Z"] = match;
  const civil = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const ms = Date.parse(civil);
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== civil) return undefined;
  const micros = BigInt(fraction.slice(0, 6).padEnd(6, "0"));
  const offset = zoneOffsetMinutes(zone);
  if (offset === undefined) return undefined;
  const instant = BigInt(ms) * 1000n + micros - BigInt(offset) * 60_000_000n;
  return instant < BEGINNING_OF_TIME || instant > END_OF_TIME ? undefined : instant;
}

const END_OF_TIME: Instant = 253_402_300_799_999_999n; // 9999-12-31T23:59:59.999999Z

function zoneOffsetMinutes(zone: string): number | undefined {
  if (zone === "Z" || zone === "z") return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(4, 6));
  if (hours > 23 || minutes > 59) return undefined;
  return (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes);
}

/** RFC 3339 in UTC with six digits of a second. */
export function formatInstant(instant: Instant): string {
  const ms = instant >= 0n ? instant / 1000n : -((-instant + 999n) / 1000n);
  const micros = instant - ms * 1000n;
  return `${new Date(Number(ms)).toISOString().slice(0, -1)}${micros.toString().padStart(3, "0")}Z`;
}

export function instantOf(date: Date): Instant {
  return BigInt(date.getTime()) * 1000n;
}

export function now(): Instant {
  return instantOf(new Date());
}
