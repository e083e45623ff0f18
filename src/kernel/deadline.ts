/** Milliseconds since now by the faster of two clocks: one stands still while the machine sleeps, the other can be set back. */
export function stopwatch(): () => number {
  const [wall, steady] = [Date.now(), performance.now()];
  return () => Math.max(Date.now() - wall, performance.now() - steady);
}

/** The work goes on, but nobody waits for it any more. */
export class DeadlinePassed extends Error {
  override name = "DeadlinePassed";
}

/**
 * What `work` comes to, unless that takes longer. For calls over a network: a connection that hangs answers never.
 * @throws DeadlinePassed naming `what`; whether the work was done is then unknown.
 */
export async function withinDeadline<T>(what: string, timeoutMs: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new DeadlinePassed(`${what} took longer than ${timeoutMs} ms`)),
      timeoutMs,
    );
  });
  // Its own failure after the deadline is nobody's any more.
  work.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
