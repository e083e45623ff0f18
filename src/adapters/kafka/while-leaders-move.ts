import { setTimeout as sleep } from "node:timers/promises";
import type { KafkaJSError } from "kafkajs";

const ATTEMPTS = 50;
const PAUSE_MS = 100;

/**
 * Asks again while the brokers say "not yet" or "not me": a topic that was just made, or whose leader moved, is known
 * to all of them only a moment later. Any other error, a broker that is away for one, is the caller's at once.
 */
export async function whileLeadersMove<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      // By name: native ESM does not see the error classes among kafkajs' exports.
      const { name, retriable } = error as KafkaJSError;
      const notYet = name === "KafkaJSProtocolError" && retriable;
      if (!notYet || attempt === ATTEMPTS) throw error;
      await sleep(PAUSE_MS);
    }
  }
}
