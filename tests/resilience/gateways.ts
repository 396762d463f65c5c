import { setTimeout as pause } from 'node:timers/promises';

/** The gateways of a city as a balancer sees them. */
export interface Gateways {
  /** The next one in turn of those that say they are ready. */
  next(): string | undefined;
  close(): Promise<void>;
}

const ASK_EVERY = 100;
/** So often in a row a gateway is not ready until nobody is sent to it: one look may come late. A kubelet does as many by default. */
const FAILURES = 3;

/** One address needs no balancing: it is used whether it is ready or not. */
export function oneGateway(address: string): Gateways {
  return { next: () => address, close: async () => {} };
}

/**
 * Asks each gateway every 100 ms whether it is ready, as a kubelet does, and uses only those that were one of the last three times.
 * A gateway that leaves says so while it still answers, so nobody is sent to one that is gone.
 */
export function balanced(addresses: readonly string[]): Gateways {
  const failures = new Map(addresses.map((address) => [address, FAILURES]));
  let turn = 0;
  let closed = false;
  const watch = async (address: string): Promise<void> => {
    while (!closed) {
      const answer = await fetch(`${address}/readyz`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
      await answer?.arrayBuffer();
      failures.set(address, answer?.ok === true ? 0 : (failures.get(address) ?? 0) + 1);
      await pause(ASK_EVERY);
    }
  };
  const watching = addresses.map(watch);
  return {
    next() {
      const usable = addresses.filter((address) => (failures.get(address) ?? FAILURES) < FAILURES);
      turn += 1;
      return usable[turn % usable.length];
    },
    async close() {
      closed = true;
      await Promise.all(watching);
    },
  };
}
