import { SMTPServer } from "smtp-server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSmtpMailer } from "../../src/adapters/mail/smtp-mailer.ts";
import { type MailSettings, sendDueMail } from "../../src/notifications/index.ts";
import { startTestApi, type TestApi } from "../support/api.ts";
import { until } from "../support/until.ts";
import { SMALL_CATALOG, usageEvent } from "../support/usage.ts";

const SETTINGS: MailSettings = { url: "https://money.example", sender: "Tributary" };
const FROM = "Tributary <money@tributary.example>";
let api: TestApi;
let server: SMTPServer;
let url: string;
/** As they came over the wire, with =… taken back. */
const received: { to: string; text: string }[] = [];
/** What the server says next instead of taking a mail. */
let refuseWith: { responseCode: number } | undefined;

beforeAll(async () => {
  server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onRcptTo(_address, _session, callback) {
      callback(refuseWith === undefined ? null : Object.assign(new Error("not now"), refuseWith));
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8").replaceAll(/=\r\n/g, "").replaceAll("=3D", "=");
        received.push({ to: session.envelope.rcptTo[0]?.address ?? "", text });
        callback();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  url = `smtp://127.0.0.1:${(server.server.address() as { port: number }).port}`;
  // The API's own sender has one turn, at its beginning: what it takes then comes here too. All others are the test's.
  const own = { SMTP_URL: url, MAIL_FROM: FROM, PUBLIC_URL: SETTINGS.url };
  api = await startTestApi({ MAIL_INTERVAL_MS: "3600000", ...own });
  await api.load(SMALL_CATALOG);
  const adas = { role: "payee", payee: "ada" };
  for (const [id, terms] of Object.entries({
    ada: { ...adas, duties: ["owner"] },
    quiet: { ...adas, duties: ["viewer"], notices: false },
    lin: { role: "payee", payee: "lin", duties: ["owner"] },
  })) {
    const body = { email: `${id}@example.com`, ...terms };
    expect(await api.operator("PUT", `/v1/users/${id}`, body)).toMatchObject({ status: 200 });
  }
});
afterAll(async () => {
  await api.stop();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

async function sendAll(to: string = url): Promise<void> {
  const mailer = openSmtpMailer(to, FROM);
  await sendDueMail(api.sql, mailer, SETTINGS);
  mailer.close();
}

const states = () =>
  api.sql<{ state: string; attempts: number; error: string | null }[]>`
    SELECT state, attempts, error FROM mail ORDER BY mail_no DESC LIMIT 1`;
const makeDue = () => api.sql`UPDATE mail SET next_attempt_at = now() WHERE state = 'pending'`;
const write = (key: string) => api.sql`
  SELECT mail_payee('lin', 'account.action_required', ${key}, '{"reason": "<b>a passport</b>"}')`;

describe("people", () => {
  test("are told of statements and payouts of their payee, once, and of nobody else's", async () => {
    await api.send(usageEvent({ id: "p1", metrics: { input_token_count: 10_000_000 } }));
    for (const step of ["close", "plan", "approve", "pay"])
      expect(await api.operator("POST", `/v1/settlements/2023-11/${step}`)).toMatchObject({ status: 200 });
    await sendAll();
    await sendAll();
    await until(() => received.length >= 2);
    const toAda = received.filter(({ to }) => to === "ada@example.com").map(({ text }) => text);
    expect(toAda).toHaveLength(2);
    const [statement, payout] = toAda.sort(
      (a, b) => Number(a.includes("paid for")) - Number(b.includes("paid for")),
    );
    expect(statement).toMatch(/From: Tributary <money@tributary.example>/);
    expect(statement).toMatch(/Your statement for 2023-11 is ready/);
    expect(statement).toMatch(/text\/plain[\s\S]*text\/html/);
    expect(statement).toContain("https://money.example/dashboard");
    const [{ amount }] = (await api.sql`
      SELECT (amount_nanos * 0.000000001)::numeric(38, 2)::text AS amount FROM payout WHERE payee = 'ada'`) as unknown as [
      { amount: string },
    ];
    expect(payout).toContain(`${amount} USD for 2023-11 were transferred`);
    expect(received.filter(({ to }) => to === "quiet@example.com")).toEqual([]);
  });

  test("are told amounts down to the minor unit of their currency, and below it exactly", async () => {
    received.length = 0;
    for (const [currency, amount] of [
      ["JPY", "1234.000000000"],
      ["KWD", "1234.500000000"],
      ["USD", "0.120000005"],
    ] as const) {
      const data = {
        period: "2023-11",
        payee: "lin",
        reason: "it is too little",
        approved: { currency, amount },
      };
      await api.sql`SELECT mail_payee('lin', 'payout.carried', ${currency}, ${api.sql.json(data)})`;
    }
    await sendAll();
    await until(() => received.length >= 3);
    const said = received.flatMap(({ text }) => /^\S+ \S+(?= were approved for lin)/m.exec(text) ?? []);
    expect(said.sort()).toEqual(["0.120000005 USD", "1234 JPY", "1234.500 KWD"]);
  });

  test("are sent what they are told as text, whatever it says", async () => {
    received.length = 0;
    await write("html");
    await sendAll();
    expect(received[0]?.text).toContain("&lt;b&gt;a passport");
  });
});

describe("a mail", () => {
  test("that the server does not take now is sent later", async () => {
    received.length = 0;
    await write("later");
    refuseWith = { responseCode: 451 };
    await sendAll();
    expect(await states()).toMatchObject([
      { state: "pending", attempts: 1, error: expect.stringContaining("not now") },
    ]);
    refuseWith = undefined;
    await sendAll();
    expect(received).toEqual([]);
    await makeDue();
    await sendAll();
    expect(await states()).toMatchObject([{ state: "sent", attempts: 2, error: null }]);
    expect(received).toHaveLength(1);
  });

  test("to an address that there is not is not tried again", async () => {
    await write("nobody");
    refuseWith = { responseCode: 550 };
    await sendAll();
    refuseWith = undefined;
    expect(await states()).toMatchObject([{ state: "failed", attempts: 1 }]);
  });

  test("waits while no server answers, and after nine attempts has failed", async () => {
    await write("outage");
    for (let n = 1; n <= 8; n++) {
      await makeDue();
      await sendAll("smtp://127.0.0.1:1");
      expect(await states()).toMatchObject([{ state: "pending", attempts: n }]);
    }
    await makeDue();
    await sendAll("smtp://127.0.0.1:1");
    expect(await states()).toMatchObject([{ state: "failed", attempts: 9 }]);
  });

  test("whose sender died is sent again when its time is over, under the same Message-ID", async () => {
    received.length = 0;
    await write("killed");
    await api.sql`SELECT claim_mails(10, '1 hour'::interval)`;
    await sendAll();
    expect(received).toEqual([]);
    await makeDue();
    await sendAll();
    expect(received).toHaveLength(1);
    const [{ no }] = (await api.sql`SELECT max(mail_no)::text AS no FROM mail`) as unknown as [
      { no: string },
    ];
    expect(received[0]?.text).toContain(`<mail-${no}@money.example>`);
  });
});
