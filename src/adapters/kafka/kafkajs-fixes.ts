import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

interface RequestQueue {
  pending: unknown[];
  scheduleCheckPendingRequests(): void;
}

/**
 * kafkajs 2.2.4 sets a timer with a negative delay whenever a request is answered and none waits, and that timer
 * sets itself again, for ever: a busy loop, and a TimeoutNegativeWarning on Node 24 (tulios/kafkajs #1751).
 * With nothing pending there is nothing to check; the next request that has to wait sets the timer itself.
 */
export function stopIdleQueueChecks(): void {
  const { prototype } = require("kafkajs/src/network/requestQueue/index.js") as { prototype: RequestQueue };
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.pending.length > 0) schedule.call(this);
  };
}

interface Connection {
  chunks: Buffer[];
  processData(bytes: Buffer): void;
}

/**
 * After each response kafkajs 2.2.4 keeps what came behind it, which is nothing when responses come whole (response-socket.ts), and
 * joins it with the next response: a copy of that one.
 */
export function keepNoEmptyChunks(): void {
  const { prototype } = require("kafkajs/src/network/connection.js") as { prototype: Connection };
  const process = prototype.processData;
  prototype.processData = function (this: Connection, bytes: Buffer): void {
    this.chunks = this.chunks.filter((chunk) => chunk.length > 0);
    process.call(this, bytes);
  };
}
