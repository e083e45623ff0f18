/** How much had been applied at a time, in milliseconds from the start of the measurement. */
export interface Sample {
  ms: number;
  applied: number;
}

export interface Rates {
  seconds: number;
  eventsPerSecond: number;
  firstQuarter: number;
  lastQuarter: number;
}

/** Rates over the whole run and over its first and last quarter of the events; the samples begin at 0 applied. */
export function ratesOf(samples: readonly Sample[], events: number): Rates {
  const end = timeAt(samples, events);
  return {
    seconds: end / 1000,
    eventsPerSecond: (events / end) * 1000,
    firstQuarter: (events / 4 / timeAt(samples, events / 4)) * 1000,
    lastQuarter: (events / 4 / (end - timeAt(samples, (events * 3) / 4))) * 1000,
  };
}

/** When so many were applied, between two samples in proportion. */
function timeAt(samples: readonly Sample[], applied: number): number {
  const index = samples.findIndex((sample) => sample.applied >= applied);
  const [before, after] = [samples[index - 1], samples[index]];
  if (after === undefined) return Number.NaN;
  if (before === undefined || after.applied === before.applied) return after.ms;
  const share = (applied - before.applied) / (after.applied - before.applied);
  return before.ms + share * (after.ms - before.ms);
}
