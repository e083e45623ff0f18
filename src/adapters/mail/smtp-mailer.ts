import { createTransport } from "nodemailer";
import { type Mailer, MailRefused } from "../../notifications/index.ts";

const TIMEOUT_MS = 20_000;

/** Sends over SMTP: `smtps://user:password@host:465`, or `smtp://` with STARTTLS where the server offers it. */
export function openSmtpMailer(url: string, from: string): Mailer {
  const timeouts = { connectionTimeout: TIMEOUT_MS, greetingTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS };
  const transport = createTransport({ url, pool: true, maxConnections: 2, ...timeouts }, { from });
  return {
    async send(letter) {
      try {
        await transport.sendMail(letter);
      } catch (error) {
        if (isForGood(error)) throw new MailRefused((error as Error).message, { cause: error });
        throw error;
      }
    },
    close: () => transport.close(),
  };
}

/** The server has said no to this address or mail (5xx); it has not to a password that can be mended. */
function isForGood(error: unknown): boolean {
  const { code, responseCode } = error as { code?: string; responseCode?: number };
  return code !== "EAUTH" && responseCode !== undefined && responseCode >= 550 && responseCode < 560;
}
