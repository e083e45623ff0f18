import { setTimeout as pause } from "node:timers/promises";
import { loginMail } from "../access/index.ts";
import { countSpend, expireCredits, expireReservations, releaseHeld, sweepSpend } from "../billing/index.ts";
import { accrueOpenPeriods } from "../earnings/index.ts";
import { now, withinDeadline } from "../kernel/index.ts";
import { sealClosedPeriods } from "../ledger/index.ts";
import {
  consumeLog,
  foldCustomerWindows,
  forgetIdentities,
  linkChainedEvents,
  mergeExtents,
  mergeWindows,
  parkedSweep,
} from "../metering/index.ts";
import { deliverDue, type MailSettings, sendDueMail } from "../notifications/index.ts";
import type { Sql } from "../postgres/index.ts";
import { lookForDrift, sketchLatencies, sweepPayloads } from "../predictions/index.ts";
import { releaseReserves } from "../settlement/index.ts";
import { urlAt } from "./config.ts";
import type { Foundation } from "./wire.ts";

/** Most have periods of whole seconds: begun together they would ask the database together for ever. */
const BEGIN_APART_MS = 53;
const PARKED_SWEEP_MS = 1_000;
/** All of them may be done twice at once; one on a connection that hangs must not be the last. */
const WORK_WITHIN_MS = 600_000;
/** The rarer, the cheaper: a window of a customer is written once for all of its events since the last time. */
const FOLD_MS = 300_000;
/** The rarer, the cheaper; a change of the catalogue reads all that is not merged. */
const EXTENTS_MS = 10_000;
/** Nothing to do is one look at an empty index. */
const LINK_MS = 2_000;
/** Nobody waits for it; a sketch is written once for all of its events since the last time. */
const SKETCH_MS = 60_000;
/** A day is looked at once, after it is over; otherwise it is one look at the models that have a rule. */
const DRIFT_MS = 600_000;
const SEAL_MS = 60_000;
const HELD_SWEEP_MS = 60_000;
const PAYLOAD_SWEEP_MS = 60_000;
/** So long what was used without asking may be missing from a customer's spend, beside what metering itself takes. */
const SPEND_MS = 500;
/** Who would be refused looks at once. Often, so that there are never many: whoever asks waits for each that is ended. */
const EXPIRE_MS = 1_000;
/** It looks at every open reservation. */
const SPEND_SWEEP_MS = 10_000;
const CREDIT_SWEEP_MS = 60_000;
const FORGET_MS = 86_400_000;
/**
 * Longer than the log keeps a record: a record that waits in it may hold an event from so long before the horizon, counted
 * from now.
 */
const FORGET_AFTER_HORIZON_DAYS = 31;
const DAY_MICROS = 86_400_000_000n;

/** Metering, the sweep for parked events, and accrual, until stopped. */
export async function startWorkers({
  sql,
  log,
  logger,
  config,
  mailer,
  watching,
  dataKeys,
}: Foundation): Promise<() => Promise<void>> {
  const reading = await consumeLog(log, sql, logger, {
    observer: watching.observer,
    horizonDays: config.IDENTITY_HORIZON_DAYS,
  });
  watching.startMetering();
  const stopping = new AbortController();
  let begun = 0;
  const repeat = async (what: string, everyMs: number, work: () => Promise<unknown>) => {
    await pause(BEGIN_APART_MS * begun++, undefined, { signal: stopping.signal }).catch(() => {});
    while (!stopping.signal.aborted) {
      try {
        await withinDeadline(what, WORK_WITHIN_MS, work());
      } catch (error) {
        if (!stopping.signal.aborted) logger.error({ err: error }, `${what} failed; it is tried again`);
      }
      await pause(everyMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  const mailSettings: MailSettings = {
    url: config.PUBLIC_URL ?? urlAt(config.HOST, config.PORT),
    sender: config.PLATFORM_NAME,
    word: { login: (data, createdAt) => loginMail(sql, data, createdAt) },
  };
  const loops = [
    repeat("releasing parked events", PARKED_SWEEP_MS, parkedSweep(sql)),
    repeat("noting what called what", LINK_MS, () => linkChainedEvents(sql)),
    repeat("sketching how long predictions took", SKETCH_MS, () => sketchLatencies(sql)),
    repeat("looking for drift", DRIFT_MS, () => lookForDrift(sql, new Date())),
    repeat("summing usage by customer", FOLD_MS, () => foldCustomerWindows(sql)),
    repeat("merging metered extents", EXTENTS_MS, () => mergeExtents(sql)),
    repeat("merging windows of days that are over", FOLD_MS, () => mergeWindows(sql)),
    repeat("chaining entries and sealing closed months", SEAL_MS, () => sealClosedPeriods(sql)),
    repeat("releasing what was held until customers paid", HELD_SWEEP_MS, () => releaseHeld(sql)),
    repeat("letting payloads go", PAYLOAD_SWEEP_MS, () =>
      sweepPayloads(sql, dataKeys, (progress) => logger.debug(progress, "letting payloads go")),
    ),
    repeat("releasing reserves that are due", HELD_SWEEP_MS, () => releaseReserves(sql)),
    repeat("counting spend", SPEND_MS, () => countSpend(sql)),
    repeat("ending reservations whose time is over", EXPIRE_MS, () => expireReservations(sql)),
    repeat("ending reservations whose event came before them", SPEND_SWEEP_MS, () => sweepSpend(sql)),
    repeat("ending credits whose time is over", CREDIT_SWEEP_MS, () => expireCredits(sql)),
    repeat("forgetting identities", FORGET_MS, () => forgetBeyond(sql, config.IDENTITY_HORIZON_DAYS)),
    repeat("delivering webhooks", config.WEBHOOK_INTERVAL_MS, () =>
      deliverDue(sql, config.WEBHOOK_ALLOWED_HOSTS),
    ),
    repeat("sending mail", config.MAIL_INTERVAL_MS, () => sendDueMail(sql, mailer, mailSettings)),
    repeat("accrual", config.ACCRUAL_INTERVAL_MS, () => accrueOpenPeriods(sql)),
  ];
  return async () => {
    stopping.abort();
    await Promise.all([reading.stop(), ...loops]);
  };
}

async function forgetBeyond(sql: Sql, horizonDays: number | undefined): Promise<void> {
  if (horizonDays === undefined) return;
  await forgetIdentities(sql, now() - BigInt(horizonDays + FORGET_AFTER_HORIZON_DAYS) * DAY_MICROS);
}
