import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../support/until.ts";

export interface Mailbox {
  /** A data folder of its own: mails are written into it. */
  dataDir: string;
  /** All mails so far, as they would go out, decoded. */
  mails(): Promise<string[]>;
  /** The token of the next link to sign in that is sent to this address. */
  nextToken(to: string, ask: () => Promise<unknown>): Promise<string>;
  remove(): Promise<void>;
}

export async function openMailbox(): Promise<Mailbox> {
  const dataDir = await mkdtemp(join(tmpdir(), "tributary-mail-"));
  const folder = join(dataDir, "mail");
  const mails = async () => {
    const names = await readdir(folder).catch(() => []);
    return Promise.all(
      names.sort().map(async (name) => unfolded(await readFile(join(folder, name), "utf8"))),
    );
  };
  const tokensFor = async (to: string) =>
    (await mails())
      .filter((mail) => mail.includes(`To: ${to}`))
      .flatMap((mail) => /#login_token=([\w-]{43})/.exec(mail)?.[1] ?? []);
  return {
    dataDir,
    mails,
    async nextToken(to, ask) {
      const known = new Set(await tokensFor(to));
      await ask();
      let token: string | undefined;
      await until(async () => {
        token = (await tokensFor(to)).find((one) => !known.has(one));
        return token !== undefined;
      });
      return token ?? "";
    },
    remove: () => rm(dataDir, { recursive: true }),
  };
}

/** Quoted-printable, taken back: links are longer than a line. */
function unfolded(mail: string): string {
  return mail
    .replaceAll(/=\r?\n/g, "")
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
