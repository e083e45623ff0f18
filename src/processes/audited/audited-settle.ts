import type { SettleOperations } from "../../http/index.ts";
import type { Period } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { noteCommand } from "./note-command.ts";

/** The monthly settlement for the command line: each step that changes something is noted in the audit log, with who ran it. */
export function auditedSettle(settle: SettleOperations, sql: Sql, by: string): SettleOperations {
  const note = (period: Period, step: string, asked: object, after: unknown) =>
    noteCommand(sql, by, {
      route: `POST /settlements/{period}/${step}`,
      target: `/v1/settlements/${period}/${step}`,
      asked,
      after,
    });
  return {
    async close(period, options) {
      const result = await settle.close(period, options);
      if (!options.dryRun) await note(period, "close", {}, result);
      return result;
    },
    async plan(period, options) {
      const planned = await settle.plan(period, options);
      if (!options.dryRun) await note(period, "plan", {}, planned);
      return planned;
    },
    async approve(period, options) {
      const approved = await settle.approve(period, options);
      const { hash, confirmed: confirm } = options;
      await note(period, "approve", { hash, confirm }, approved);
      return approved;
    },
    async pay(period, options) {
      const report = await settle.pay(period, options);
      await note(period, "pay", {}, report);
      return report;
    },
    async reconcile(period, options) {
      const report = await settle.reconcile(period, options);
      await note(period, "reconcile", {}, report);
      return report;
    },
    bookReversal: settle.bookReversal,
  };
}
