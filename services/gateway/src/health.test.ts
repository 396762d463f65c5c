import type { RawClient, ServiceHealth } from '@bandeng/rpc';
import { silentBus } from '@bandeng/testing/silent-bus';
import { expect, it } from 'vitest';
import { readiness } from './health.ts';

/** Services whose replicas answer in turn; those that are not named serve. */
function asked(replicas: Record<string, readonly ServiceHealth[]>): RawClient {
  const turns = new Map<string, number>();
  return {
    call: () => Promise.reject(new Error('nobody is there')),
    async health(service) {
      const turn = turns.get(service) ?? 0;
      turns.set(service, turn + 1);
      const states = replicas[service] ?? ['serving'];
      return states[turn % states.length] ?? 'away';
    },
    close() {},
  };
}

it('a service is ready while one of its replicas leaves and the next one serves', async () => {
  const { ready, services } = await readiness(asked({ identity: ['not-serving', 'serving'] }), silentBus)();
  expect({ ready, identity: services.identity }).toEqual({ ready: true, identity: 'serving' });
});

it('a service is not ready when none of those asked serves, and what the last one said is told', async () => {
  const { ready, services } = await readiness(asked({ identity: ['not-serving', 'away'] }), silentBus)();
  expect({ ready, identity: services.identity, tickets: services.tickets }).toEqual({
    ready: false,
    identity: 'away',
    tickets: 'serving',
  });
});
