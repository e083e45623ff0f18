/** A mail as it goes out. */
export interface Letter {
  /** The same for each attempt: receivers may tell a second copy by it. */
  messageId: string;
  to: string;
  subject: string;
  text: string;
  html: string;
}

/** Sends mails. @throws MailRefused when this one will never be taken; anything else is worth another attempt */
export interface Mailer {
  send(letter: Letter): Promise<void>;
  close(): void;
}

/** The address or the mail was refused for good. */
export class MailRefused extends Error {
  override name = "MailRefused";
}
