import type { SettleOperations } from "../../http/index.ts";
import type { Period } from "../../kernel/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { noteCommand } from "./note-command.ts";

/** Runs a step, and says whether it is noted. */
export type Changed = <T>(period: Period, work: () => Promise<T>) => Promise<{ result: T; noted: boolean }>;

const ALWAYS: Changed = async (_period, work) => ({ result: await work(), noted: true });

/** The monthly settlement for the command line: each step that changes something is noted in the audit log, with who ran it. */
export function auditedSettle(
  settle: SettleOperations,
  sql: Sql,
  by: string,
  { from = "cli", changed = ALWAYS }: { from?: "cli" | "schedule"; changed?: Changed } = {},
): SettleOperations {
  const note = (period: Period, step: string, asked: object, after: unknown) =>
    noteCommand(sql, by, {
      route: `POST /settlements/{period}/${step}`,
      target: `/v1/settlements/${period}/${step}`,
      asked,
      after,
      from,
    });
  return {
    async close(period, options) {
      const { result, noted } = await changed(period, () => settle.close(period, options));
      if (!options.dryRun && noted) await note(period, "close", {}, result);
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
      const { result, noted } = await changed(period, () => settle.pay(period, options));
      if (noted) await note(period, "pay", {}, result);
      return result;
    },
    async reconcile(period, options) {
      const report = await settle.reconcile(period, options);
      await note(period, "reconcile", {}, report);
      return report;
    },
    bookReversal: settle.bookReversal,
  };
}
