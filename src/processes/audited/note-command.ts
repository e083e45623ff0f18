import { randomUUID } from "node:crypto";
import { userInfo } from "node:os";
import { appendAudit, shownInAudit } from "../../access/index.ts";
import type { Sql } from "../../postgres/index.ts";

export interface Done {
  /** As over HTTP: "POST /settlements/{period}/close"; of what is not there, the command. */
  route: string;
  target: string;
  asked?: object;
  after: unknown;
  /** What ran it; a person at the command line, when it is left out. */
  from?: "cli" | "schedule";
}

/**
 * Notes in the audit log what somebody did on the machine itself, after it was done, as the same over HTTP is noted. `by` is
 * what --by says; the account it ran under stands beside it.
 */
export async function noteCommand(
  sql: Sql,
  by: string,
  { route, target, asked, after, from = "cli" }: Done,
): Promise<void> {
  await appendAudit(sql, {
    principal: by,
    role: "operator",
    session: null,
    requestId: `${from}:${randomUUID()}`,
    route,
    target,
    status: 200,
    code: null,
    before: undefined,
    asked: shownInAudit({ os_user: userInfo().username, ...asked }),
    after: shownInAudit(after),
  });
}
