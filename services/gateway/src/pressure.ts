import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How busy this process is. */
export interface Pressure {
  /** Whether what comes in would only wait. */
  tooHigh(): boolean;
  stop(): void;
}

/** Milliseconds between two looks at the clock, and between two judgements. */
const resolution = 10;
const every = 1_000;

/** Looks once a second at how late timers were in the second before. @param mostMs Mean delay of the event loop. */
export function openPressure(mostMs: number): Pressure {
  const delays = monitorEventLoopDelay({ resolution });
  delays.enable();
  let high = false;
  const timer = setInterval(() => {
    // Nothing at all was measured where the loop stood still all the time.
    const mean = Number.isNaN(delays.mean) ? Number.POSITIVE_INFINITY : delays.mean / 1e6 - resolution;
    high = mean > mostMs;
    delays.reset();
  }, every).unref();
  return {
    tooHigh: () => high,
    stop() {
      clearInterval(timer);
      delays.disable();
    },
  };
}
