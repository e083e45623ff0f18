import { z } from "zod";
import { type Nanos, type Period, parseInstant, parseNanos, parsePeriod } from "../kernel/index.ts";

export const Money = z
  .object({ currency: z.string(), amount: z.string().meta({ example: "12.345678901" }) })
  .meta({ id: "Money", description: "Nine decimals, as a string: never a JSON number." });

/** "12.345678901" that callers give: not negative, below 10^15 major units. */
export const AmountText = z
  .string()
  .regex(
    /^\d{1,15}(\.\d{1,9})?$/,
    'a decimal string such as "12.50", not negative, with at most nine decimals',
  )
  .meta({ example: "12.50" });

/** The same, read. */
export const AmountNanos = AmountText.transform((text): Nanos => parseNanos(text) ?? 0n).meta({
  example: "12.50",
});

/** A list in pages; `next_cursor` is null on the last one. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ data: z.array(item), next_cursor: z.string().nullable() });
}

export const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().max(300).optional(),
});

/** The cursor of lists by when a thing was made: that moment in microseconds, and its id. */
export const MomentCursor = z
  .string()
  .regex(/^\d{1,17}\.[\w-]{1,200}$/, "the next_cursor of an earlier answer")
  .transform((text) => {
    const [micros = "", id = ""] = text.split(".");
    return { micros, id };
  })
  .optional();

export const momentCursor = ({ micros, id }: { micros: string; id: string }): string => `${micros}.${id}`;

/** Cuts a page out of one row more than asked for. */
export function page<T>(
  rows: readonly T[],
  limit: number,
  cursorOf: (row: T) => string,
): { data: T[]; next_cursor: string | null } {
  const data = rows.slice(0, limit);
  const last = data.at(-1);
  return { data, next_cursor: rows.length > limit && last !== undefined ? cursorOf(last) : null };
}

export const PeriodText = z
  .string()
  .refine((text) => parsePeriod(text) !== undefined, 'a month such as "2023-11"')
  .transform((text) => text as Period)
  .meta({ example: "2023-11" });

/** A service day: "2023-11-01", or an RFC 3339 time at midnight UTC. */
export const Day = z
  .string()
  .refine(isDay, 'a day such as "2023-11-01"')
  .transform((text) => text.slice(0, 10))
  .meta({ example: "2023-11-01" });

function isDay(text: string): boolean {
  if (parsePeriod(text.slice(0, 7)) === undefined) return false;
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return parseInstant(`${text}T00:00:00Z`) !== undefined;
  return /T00:00:00(\.0+)?Z$/.test(text) && parseInstant(text) !== undefined;
}

export const DryRun = z.object({
  dry_run: z
    .enum(["true", "false"])
    .default("false")
    .transform((text) => text === "true"),
});

export const Done = z.object({ ok: z.literal(true) });
