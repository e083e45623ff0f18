import type { Sql } from "../../postgres/index.ts";
import { type Mailer, MailRefused } from "./mailer.ts";
import { isNotice, type MailData, noticeText } from "./notices.ts";
import { layOut, type MailText } from "./words.ts";

const AT_ONCE = 10;
/** Longer than an attempt can take. */
const LEASE = "120 seconds";

interface Claimed {
  mail_no: string;
  attempt: number;
  recipient: string;
  type: string;
  data: MailData;
  created_at: Date;
}

export interface MailSettings {
  /** Where the service is reached, for links. */
  url: string;
  /** Who writes: the marketplace's name. */
  sender: string;
  /** Words a mail of another subject; undefined when it has become pointless. */
  word?: Record<string, (data: MailData, createdAt: Date) => Promise<MailText | undefined>>;
}

/**
 * Sends everything that is due, with no transaction open. A mail whose sender died in between is sent again after the lease,
 * under the same Message-ID.
 */
export async function sendDueMail(sql: Sql, mailer: Mailer, settings: MailSettings): Promise<number> {
  for (let sent = 0; ; ) {
    const claimed = await sql<Claimed[]>`
      SELECT mail_no::text, attempt, recipient, type, data, created_at FROM claim_mails(${AT_ONCE}, ${LEASE}::interval)`;
    if (claimed.length === 0) return sent;
    await Promise.all(claimed.map((one) => attempt(sql, mailer, settings, one)));
    sent += claimed.length;
  }
}

async function attempt(sql: Sql, mailer: Mailer, settings: MailSettings, mail: Claimed): Promise<void> {
  const finish = async (error: string | null, final: boolean) => {
    await sql`SELECT finish_mail(${mail.mail_no}, ${mail.attempt}, ${error}, ${final})`;
  };
  const words = await wordsOf(settings, mail);
  if (words === undefined) return finish("it had become pointless before it was sent", true);
  try {
    const messageId = `<mail-${mail.mail_no}@${new URL(settings.url).hostname}>`;
    await mailer.send({ messageId, to: mail.recipient, ...layOut(words, settings.sender) });
  } catch (error) {
    return finish((error as Error).message.slice(0, 500), error instanceof MailRefused);
  }
  return finish(null, false);
}

async function wordsOf(settings: MailSettings, mail: Claimed): Promise<MailText | undefined> {
  if (isNotice(mail.type)) return noticeText(mail.type, mail.data, settings.url);
  return settings.word?.[mail.type]?.(mail.data, mail.created_at);
}
