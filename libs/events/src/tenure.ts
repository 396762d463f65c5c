import type { Lease } from '@bandeng/records';
import type { Log } from './hooks.ts';
import { signal } from './signal.ts';

/** The holding of a service's lease by this process. Relay, reactions and sweeps work only while it holds. */
export interface Tenure {
  /** Judged by this process's own monotonic clock, so that a process which stood still knows at once that it has lost it. */
  holds(): boolean;
  /** Called with true when gained and with false when lost; at once when it is held already. Answers how to stop that. */
  onChange(fn: (held: boolean) => void): () => void;
  readonly lease: Lease;
  /** Releases at once, so that another replica goes on. What works under it is stopped before. */
  stop(): Promise<void>;
}

/** What the lease gives; the count starts before the request, so ours ends before the database's. */
const LEASE_MILLISECONDS = 3_000;
const RENEW_EVERY = 1_000;
const TRY_EVERY = 500;

/** Takes the lease when it is free and renews it each second, until stopped. */
export function startTenure(options: { readonly lease: Lease; readonly log: Log }): Tenure {
  const { lease, log } = options;
  const listeners = new Set<(held: boolean) => void>();
  const stopping = signal();
  let stopped = false;
  let heldUntil = 0;
  let told = false;

  const holds = (): boolean => performance.now() < heldUntil;
  const tell = (): void => {
    const held = holds();
    if (held === told) return;
    told = held;
    log.info({ held }, held ? 'lease gained' : 'lease lost');
    for (const listener of listeners) listener(held);
  };
  const ask = async (): Promise<void> => {
    const asked = performance.now();
    try {
      const held = holds() ? await lease.renew() : await lease.acquire();
      heldUntil = held ? asked + LEASE_MILLISECONDS : 0;
    } catch (error) {
      // The database is away: what is held stays held until its time is over.
      log.debug({ err: error }, 'lease not asked for');
    }
  };
  const running = (async () => {
    while (!stopped) {
      await ask();
      tell();
      await stopping.wait(holds() ? RENEW_EVERY : TRY_EVERY);
    }
  })();
  // Says so as soon as the time is over, also while a renewal hangs.
  const watch = setInterval(tell, 100);

  return {
    holds,
    lease,
    onChange(fn) {
      listeners.add(fn);
      if (told) fn(true);
      return () => listeners.delete(fn);
    },
    async stop() {
      stopped = true;
      stopping.raise();
      await running;
      clearInterval(watch);
      heldUntil = 0;
      tell();
      // Also when it is over by our count: a renewal that took long may have prolonged it.
      await lease.release().catch((error: unknown) => log.warn({ err: error }, 'lease not released'));
    },
  };
}

/** The same tenure for work that waits for something else too: to it nothing is held before that is there. */
export function tenureAfter(tenure: Tenure, there: Promise<void>): Tenure {
  let isThere = false;
  const known = there.then(() => {
    isThere = true;
  });
  return {
    ...tenure,
    holds: () => isThere && tenure.holds(),
    onChange(fn) {
      // As the tenure does it: what is held already is told at once.
      if (isThere) return tenure.onChange(fn);
      let ended = false;
      let off = (): void => undefined;
      void known.then(() => {
        if (!ended) off = tenure.onChange(fn);
      });
      return () => {
        ended = true;
        off();
      };
    },
  };
}
