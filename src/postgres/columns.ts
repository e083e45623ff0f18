import { customType, numeric, timestamp } from "drizzle-orm/pg-core";

/** A moment in UTC, as the text that PostgreSQL writes: to the microsecond, which a `Date` would cut. */
export const moment = (name: string) => timestamp(name, { withTimezone: true, mode: "string" });

/** An amount in nanos of its currency; wide enough for any sum, never divided in SQL. */
export const nanos = (name: string) => numeric(name, { precision: 38, scale: 0 });

export const bytea = customType<{ data: Buffer }>({ dataType: () => "bytea" });

/** A transaction's number, as text. It never comes again, and tells whether a snapshot sees what it wrote. */
export const transactionNo = customType<{ data: string }>({ dataType: () => "xid8" });
