import { createRequire } from "node:module";

/**
 * kafkajs 2.2.4 sets a timer with a negative delay whenever a request is answered and none waits, and that timer
 * sets itself again, for ever: a busy loop, and a TimeoutNegativeWarning on Node 24 (tulios/kafkajs #1751).
 * With nothing pending there is nothing to check; the next request that has to wait sets the timer itself.
 */
interface RequestQueue {
  pending: unknown[];
  scheduleCheckPendingRequests(): void;
}

export function stopIdleQueueChecks(): void {
  const require = createRequire(import.meta.url);
  const { prototype } = require("kafkajs/src/network/requestQueue/index.js") as { prototype: RequestQueue };
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.pending.length > 0) schedule.call(this);
  };
}
