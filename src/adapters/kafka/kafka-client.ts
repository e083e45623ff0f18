import { Kafka, type LogEntry, logLevel } from "kafkajs";
import type { BaseLogger } from "pino";
import { keepNoEmptyChunks, stopIdleQueueChecks } from "./kafkajs-fixes.ts";
import { responseSocket } from "./response-socket.ts";

export type Log = Pick<BaseLogger, "debug" | "warn">;

stopIdleQueueChecks();
keepNoEmptyChunks();

/** kafkajs reports every lost connection and rebalance as an error and goes on: for us those are warnings. */
function writeTo(log: Log): (entry: LogEntry) => void {
  return ({ namespace, level, log: { message, timestamp: _, ...details } }) => {
    // True of a producer that is used on after it gave up; ours is thrown away then (append-records.ts).
    if (message.startsWith("Limiting retries for the idempotent producer")) return;
    const write = level <= logLevel.WARN ? "warn" : "debug";
    log[write]({ kafka: namespace, ...details }, message);
  };
}

/** Time-outs and retries so that a dead broker is noticed within seconds; whoever calls decides about more. */
export function kafkaClient(brokers: string[], log: Log): Kafka {
  return new Kafka({
    clientId: "tributary",
    brokers,
    connectionTimeout: 2_000,
    requestTimeout: 5_000,
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 3 },
    socketFactory: responseSocket,
    logLevel: logLevel.INFO,
    logCreator: () => writeTo(log),
  });
}
