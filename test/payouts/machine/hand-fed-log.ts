import type { LogReader, UsageLog } from "../../../src/usage/index.ts";

const LOG_ID = "hand-fed";

/** A usage log of one partition that resolves an append when it is metered: here the log is not the subject. */
export function handFedLog(): UsageLog {
  let end = 0n;
  let reader: LogReader | undefined;
  return {
    async append(values) {
      if (reader === undefined) throw new Error("nobody reads");
      const records = values.map(({ value }) => ({ offset: end++, value, appendedAt: new Date() }));
      await reader.apply({ partition: 0, records, nextOffset: end });
    },
    extent: async () => ({ logId: LOG_ID, partitions: [{ partition: 0, start: 0n, end }] }),
    async read(its) {
      end = await its.claim(LOG_ID, 0);
      reader = its;
      return { stop: async () => {} };
    },
    close: async () => {},
  };
}
