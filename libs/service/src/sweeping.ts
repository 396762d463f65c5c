import type { Tenure } from '@bandeng/events';
import type { Sweep } from '@bandeng/records';
import type { Logger } from '@bandeng/telemetry';

/** Milliseconds between two looks at what is due. */
const pause = 1_000;

/** Runs sweeps one after the other, each second, while this process holds the service's lease. */
export function startSweeps(options: { sweeps: readonly Sweep[]; tenure: Tenure; log: Logger }): {
  stop(): Promise<void>;
} {
  const { sweeps, tenure, log } = options;
  const ended = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> = Promise.resolve();

  const look = async (): Promise<void> => {
    for (const sweep of sweeps) {
      if (!tenure.holds() || ended.signal.aborted) return;
      try {
        await sweep.run(ended.signal);
      } catch (fault) {
        log.warn(
          { sweep: sweep.name, fault: fault instanceof Error ? fault.message : 'unknown' },
          'a sweep failed; it goes on',
        );
      }
    }
  };
  const next = (): void => {
    if (ended.signal.aborted) return;
    timer = setTimeout(() => {
      round = look().finally(next);
    }, pause);
  };
  if (sweeps.length > 0) next();

  return {
    async stop() {
      ended.abort();
      clearTimeout(timer);
      await round;
    },
  };
}
