import { setTimeout as pause } from 'node:timers/promises';
import type { Child } from './embedded/child.ts';
import { messageOf } from './embedded/fault.ts';

/** A process that is started again when it dies on its own. */
export interface Kept {
  readonly name: string;
  /** Resolves when it is down for good: SIGTERM, then SIGKILL after the patience. */
  stop(patienceMs: number): Promise<void>;
}

export interface KeepOptions {
  readonly name: string;
  /** Starts it anew; may take until it is ready. */
  start(): Promise<Child>;
  /** Told of every start. */
  started(child: Child): Promise<void>;
  log(line: string): void;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** Who ran for so long is started again without delay. */
const STEADY_MS = 30_000;

/** Keeps a process that runs already going, with growing pauses when it dies again and again. */
export function keep(first: Child, options: KeepOptions): Kept {
  const stopping = new AbortController();
  let current = first;
  const watching = watch();

  async function watch(): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    for (;;) {
      const since = performance.now();
      const { code, signal } = await current.ended;
      if (stopping.signal.aborted) return;
      if (performance.now() - since > STEADY_MS) pauseMs = FIRST_PAUSE_MS;
      options.log(`${options.name} (${current.pid}) ended by ${signal ?? `code ${code}`}; starting it again`);
      while (!stopping.signal.aborted) {
        await pause(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
        if (stopping.signal.aborted) return;
        try {
          current = await options.start();
          break;
        } catch (thrown) {
          options.log(`${options.name} could not be started: ${messageOf(thrown)}`);
        }
      }
      if (stopping.signal.aborted) return current.stop();
      await options.started(current);
    }
  }

  return {
    name: options.name,
    async stop(patienceMs) {
      stopping.abort();
      await current.stop(patienceMs);
      await watching;
    },
  };
}
