import { setTimeout as pause } from 'node:timers/promises';

/** The gateways of a city as a balancer sees them. */
export interface Gateways {
  /** The next one in turn of those that say they are ready. */
  next(): string | undefined;
  close(): Promise<void>;
}

const ASK_EVERY = 100;

/** One address needs no balancing: it is used whether it is ready or not. */
export function oneGateway(address: string): Gateways {
  return { next: () => address, close: async () => {} };
}

/**
 * Asks each gateway every 100 ms whether it is ready, as a kubelet does, and uses only those that were when they were asked
 * last. A gateway that leaves says so while it still answers, so nobody is sent to one that is gone.
 */
export function balanced(addresses: readonly string[]): Gateways {
  const ready = new Map<string, boolean>();
  let turn = 0;
  let closed = false;
  const watch = async (address: string): Promise<void> => {
    while (!closed) {
      const answer = await fetch(`${address}/readyz`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
      await answer?.arrayBuffer();
      ready.set(address, answer?.ok === true);
      await pause(ASK_EVERY);
    }
  };
  const watching = addresses.map(watch);
  return {
    next() {
      const usable = addresses.filter((address) => ready.get(address));
      turn += 1;
      return usable[turn % usable.length];
    },
    async close() {
      closed = true;
      await Promise.all(watching);
    },
  };
}
