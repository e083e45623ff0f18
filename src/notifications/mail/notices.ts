import { amountInWords, type Money } from "../../kernel/index.ts";
import type { MailText } from "./words.ts";

/** What the fact's own transaction wrote down of it: the same as webhooks say. */
export type MailData = Record<string, unknown>;

type Words = (data: MailData) => { subject: string; sentences: string[] };

const text = (value: unknown) => (typeof value === "string" ? value : "");

/** What `money_json` of the database wrote. */
const amount = (value: unknown) => amountInWords(value as Money);

/** Each notice in the words of what happened, and what there is to do. */
const NOTICES = {
  "statement.finalized": (data) => ({
    subject: `Your statement for ${text(data.period)} is ready`,
    sentences: [
      `The statement of ${text(data.payee)} for ${text(data.period)} is final.`,
      `Earned: ${amount(data.earned)}. Balance at the end: ${amount(data.closing)}.`,
    ],
  }),
  "payout.paid": (data) => ({
    subject: `${amount(data.amount)} paid for ${text(data.period)}`,
    sentences: [
      `${amount(data.amount)} for ${text(data.period)} were transferred to the payout account of ${text(data.payee)}.`,
      ...(amount(data.approved) === amount(data.amount)
        ? []
        : [
            `${amount(data.approved)} were approved; what was refunded, disputed or corrected since is not paid.`,
          ]),
      `Transfer ${text(data.transfer_id)}. When it reaches the bank is up to the account's payout schedule.`,
    ],
  }),
  "payout.carried": (data) => ({
    subject: `Nothing is paid for ${text(data.period)} yet`,
    sentences: [
      `${amount(data.approved)} were approved for ${text(data.payee)}, and ${text(data.reason)}.`,
      "Nothing has to be done; what is left stays on your balance.",
    ],
  }),
  "payout.failed": (data) => ({
    subject: `The payout for ${text(data.period)} could not be made`,
    sentences: [
      `${amount(data.amount)} for ${text(data.period)} could not be transferred to the payout account of ${text(data.payee)}: ${text(data.reason) || "no reason was given"}.`,
      "The money is on your balance again; the next payout takes it along.",
    ],
  }),
  "account.action_required": (data) => ({
    subject: "Your payout account needs something from you",
    sentences: [
      `The payout account of ${text(data.payee)} cannot take payouts now: ${text(data.reason) || "something is missing"}.`,
      "Until that is settled what you earn stays on your balance.",
    ],
  }),
  "account.changed": (data) => ({
    subject: "Your payout account was changed",
    sentences: [
      `${text(data.payee)} is paid to ${text(data.account) || "no account"} from now on${text(data.previous) === "" ? "" : `, not to ${text(data.previous)} any more`}.`,
      "If you did not ask for that, tell support at once: payouts can be stopped until it is settled.",
    ],
  }),
  "share.proposed": (data) => ({
    subject: `A share of ${text(data.model)} is proposed to you`,
    sentences: [
      `${text(data.proposed_by)} proposes that ${text(data.payee)} takes part in what ${text(data.model)} earns from ${text(data.effective_from)} on.`,
      "It takes effect when everybody named has accepted.",
    ],
  }),
  "share.accepted": (data) => ({
    subject: `The shares of ${text(data.model)} are accepted`,
    sentences: [`Everybody has accepted: they hold from ${text(data.effective_from)} on.`],
  }),
  "share.declined": (data) => ({
    subject: `The shares of ${text(data.model)} are declined`,
    sentences: [`${text(data.declined_by)} has declined: nothing changes.`],
  }),
} satisfies Record<string, Words>;

export type Notice = keyof typeof NOTICES;

export function isNotice(type: string): type is Notice {
  return Object.hasOwn(NOTICES, type);
}

export function noticeText(type: Notice, data: MailData, url: string): MailText {
  const { subject, sentences } = NOTICES[type](data);
  return { subject, sentences, action: { label: "Open the dashboard", url: `${url}/dashboard` } };
}
