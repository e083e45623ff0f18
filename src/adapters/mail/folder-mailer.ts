import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTransport } from "nodemailer";
import type { Mailer } from "../../notifications/index.ts";

/** Writes each mail to a file that mail programs open: for trying it, and for marketplaces that hand them on by themselves. */
export function openFolderMailer(folder: string, from: string): Mailer {
  const transport = createTransport({ streamTransport: true, buffer: true }, { from });
  return {
    async send(letter) {
      const { message } = await transport.sendMail(letter);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const name = `${letter.messageId.replaceAll(/[^\w-]+/g, "_").replaceAll(/^_|_$/g, "")}.eml`;
      // Ways in are among them: for nobody else to read.
      await writeFile(join(folder, name), message as Buffer, { mode: 0o600 });
    },
    close: () => transport.close(),
  };
}
