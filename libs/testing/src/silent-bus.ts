import type { Bus } from '@bandeng/events';

/** The bus of a service that has never reached NATS: nothing is heard, and nobody hears. */
export const silentBus: Bus = {
  connected: () => false,
  connection: () => undefined,
  close: async () => {},
  wake: () => {},
  onWake: () => () => {},
  hint: () => {},
  onHint: () => () => {},
  onConnected: () => () => {},
  ensureStream: () => Promise.reject(new Error('NATS is away')),
  live: () => ({ ready: new Promise(() => {}), position: () => '', silent: () => true, close: async () => {} }),
};
