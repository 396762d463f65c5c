import type { Tenure } from '@bandeng/events';
import type { Sweep } from '@bandeng/records';
import type { Logger } from '@bandeng/telemetry';
import type { Measuring } from './measuring.ts';

/** Milliseconds between two looks at what is due. */
const pause = 1_000;

/** Runs sweeps one after the other, each second, while this process holds the service's lease. */
export function startSweeps(options: {
  sweeps: readonly Sweep[];
  tenure: Tenure;
  log: Logger;
  measuring: Pick<Measuring, 'swept'>;
}): {
  stop(): Promise<void>;
} {
  const { sweeps, tenure, log, measuring } = options;
  const ended = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> = Promise.resolve();

  const look = async (): Promise<void> => {
    for (const sweep of sweeps) {
      if (!tenure.holds() || ended.signal.aborted) return;
      try {
        let due = 0;
        const handled = await sweep.run(ended.signal, (seen) => {
          due = seen;
        });
        measuring.swept(sweep.name, { due, handled });
      } catch (fault) {
        measuring.swept(sweep.name, undefined);
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
