import { randomBytes } from "node:crypto";
import { Refusal } from "../kernel/index.ts";
import type { MailText } from "../notifications/index.ts";
import type { Sql } from "../postgres/index.ts";
import type { ProvenUser } from "./sessions.ts";
import { hashToken, newToken } from "./token.ts";

const LINKS_AN_HOUR = 5;
const GOOD_FOR_MINUTES = 15;

/** Has a link to sign in with sent to this address, if it is somebody's. Who asks learns nothing of that. */
export async function requestLoginLink(sql: Sql, email: string, url: string): Promise<void> {
  const id = `link_${randomBytes(9).toString("base64url")}`;
  await sql`SELECT request_login_link(${id}, ${email.toLowerCase()}, ${url}, ${LINKS_AN_HOUR})`;
}

/**
 * The mail with the link. The token is made here, so that it stands in the mail and nowhere else; an attempt that is made
 * again makes another, and the one before is good for nothing. Undefined when the link is used, or was asked for too long ago.
 */
export async function loginMail(
  sql: Sql,
  data: Record<string, unknown>,
  createdAt: Date,
): Promise<MailText | undefined> {
  if (Date.now() - createdAt.getTime() > GOOD_FOR_MINUTES * 60_000) return undefined;
  const token = newToken();
  const made = await sql`
    UPDATE login_link SET token_hash = ${hashToken(token)}, expires_at = now() + make_interval(mins => ${GOOD_FOR_MINUTES})
    WHERE id = ${String(data.link)} AND used_at IS NULL RETURNING 1`;
  if (made.length === 0) return undefined;
  return {
    subject: "Your link to sign in",
    sentences: [
      `Somebody, we hope you, asked for this link. It signs you in once, within ${GOOD_FOR_MINUTES} minutes.`,
      "If it was not you, nothing is to be done: without the link nobody gets in.",
    ],
    // After the #, so that it stands in no server's log.
    action: { label: "Sign in", url: `${String(data.url)}/dashboard#login_token=${token}` },
  };
}

/** The user that a link lets in, once. @throws Refusal login_token_invalid */
export async function useLoginLink(sql: Sql, token: string): Promise<ProvenUser> {
  const [row] = await sql<ProvenUser[]>`
    UPDATE login_link l SET used_at = now() FROM app_user u
    WHERE l.token_hash = ${hashToken(token)} AND l.used_at IS NULL AND l.expires_at > now()
      AND u.id = l.app_user AND u.disabled_at IS NULL
    RETURNING u.id AS "user", u.email AS "provenEmail"`;
  if (row === undefined) {
    throw new Refusal(
      "login_token_invalid",
      "this link was used already, is older than 15 minutes, or a newer one was sent: ask for another",
    );
  }
  return row;
}
