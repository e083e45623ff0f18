import {
  type AccountStatus,
  type PayoutProvider,
  ProviderUnavailable,
  type TransferOutcome,
  type TransferRequest,
} from "../../../src/payouts/index.ts";
import type { Random } from "../random.ts";
import type { Scheduler } from "../scheduler.ts";
import type { Trace } from "../trace.ts";
import { type Clock, DAY_MS } from "./clock.ts";
import { LawBroken } from "./metering-watch.ts";

/** Idempotency keys may be forgotten after 24 hours, so here they are. */
const KEY_LIVES_MS = DAY_MS;

export interface Transfer {
  id: string;
  request: TransferRequest;
}

interface Parts {
  scheduler: Scheduler;
  random: Random;
  trace: Trace;
  clock: Clock;
}

/** Moves simulated money as Stripe would: answers get lost, requests arrive late, keys are forgotten after a day. */
export class SimulatedProvider implements PayoutProvider {
  readonly transfers: Transfer[] = [];
  readonly #parts: Parts;
  readonly #answers = new Map<string, { at: number; outcome: TransferOutcome; request: TransferRequest }>();
  readonly #onTheWay: TransferRequest[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async transfer(request: TransferRequest): Promise<TransferOutcome> {
    const { scheduler, random, trace } = this.#parts;
    const outcome = await scheduler.step(`transfer of ${request.payoutId}`, (): TransferOutcome => {
      const luck = scheduler.chaos ? random.below(100) : 100;
      if (luck < 10) return { outcome: "unknown", detail: "the connection was lost on the way there" };
      if (luck < 18) {
        trace.saw("a transfer request arrived late");
        this.#onTheWay.push(request);
        return { outcome: "unknown", detail: "timed out" };
      }
      if (luck < 22) return { outcome: "stop", detail: "the key was refused" };
      const answer = this.#answer(request, luck);
      if (luck < 40) {
        trace.saw("the answer of a transfer was lost");
        return { outcome: "unknown", detail: "the connection was lost on the way back" };
      }
      return answer;
    });
    return scheduler.step(`answer for ${request.payoutId}: ${outcome.outcome}`, () => outcome);
  }

  findTransfer(request: TransferRequest): Promise<string | undefined> {
    const { scheduler, random, trace } = this.#parts;
    return scheduler.step(`search for ${request.payoutId}`, () => {
      if (scheduler.chaos && random.chance(0.2)) throw new ProviderUnavailable("cannot be asked");
      const found = this.transfers.find(
        (transfer) => transfer.request.idempotencyKey === request.idempotencyKey,
      );
      trace.saw(found ? "an old transfer was found" : "an old transfer was searched in vain");
      return found?.id;
    });
  }

  accountStatus(account: string): Promise<AccountStatus> {
    const { scheduler, random } = this.#parts;
    return scheduler.step(`status of ${account}`, () => {
      if (scheduler.chaos && random.chance(0.1)) throw new ProviderUnavailable("cannot be asked");
      const transfersEnabled = !scheduler.chaos || random.chance(0.8);
      const disabledReason = transfersEnabled ? null : "something is missing";
      const nothing = { stopped: null, closed: false, missing: [], missingBy: null, submitted: true };
      return { account, transfersEnabled, disabledReason, ...nothing };
    });
  }

  createAccount(): Promise<AccountStatus> {
    return Promise.reject(new Error("accounts stand in the catalogue here"));
  }

  onboardingLink(): Promise<{ url: string; expiresAt: Date }> {
    return Promise.reject(new Error("nobody onboards here"));
  }

  get somethingIsOnTheWay(): boolean {
    return this.#onTheWay.length > 0;
  }

  /** A request whose sender has given up waiting comes in now. */
  deliverLate(): void {
    const request = this.#onTheWay.shift();
    if (request === undefined) return;
    const { outcome } = this.#answer(request, 100);
    this.#parts.trace.note(`a late transfer request for ${request.payoutId} arrives: ${outcome}`);
  }

  /** The first answer under a key is the answer for as long as the key lives, refusals and all. */
  #answer(request: TransferRequest, luck: number): TransferOutcome {
    const { clock, trace, random } = this.#parts;
    const known = this.#answers.get(request.idempotencyKey);
    if (known !== undefined && clock.nowMs - known.at < KEY_LIVES_MS) {
      if (JSON.stringify(known.request, textOfBigint) !== JSON.stringify(request, textOfBigint))
        throw new LawBroken(`the key of ${request.payoutId} was used for two different requests`);
      trace.saw("a transfer was asked for again under its key");
      return known.outcome;
    }
    const outcome = this.#decide(request, luck, random);
    this.#answers.set(request.idempotencyKey, { at: clock.nowMs, outcome, request });
    return outcome;
  }

  #decide(request: TransferRequest, luck: number, random: Random): TransferOutcome {
    if (luck >= 40 && luck < 50 && random.chance(0.5))
      return { outcome: "failed", detail: "the account is closed" };
    if (luck >= 40 && luck < 50) return { outcome: "no_funds", detail: "the balance is too small" };
    const id = `tr_${this.transfers.length + 1}`;
    this.transfers.push({ id, request });
    return { outcome: "paid", transferId: id };
  }
}

function textOfBigint(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
