import type { Lease } from '@bandeng/records';
import { eventually } from '@bandeng/testing';
import { expect, it } from 'vitest';
import { startTenure } from '../src/index.ts';
import { house, quiet } from './errands.ts';

it('lets the next one have the lease at once, also when it ends in the middle of a renewal', async () => {
  await using home = await house();
  const lease = home.records.outbox.lease('a');
  const renewing = Promise.withResolvers<void>();
  const stopping = Promise.withResolvers<void>();
  const slow: Lease = Object.create(lease, {
    renew: {
      async value() {
        renewing.resolve();
        await stopping.promise;
        return lease.renew();
      },
    },
  });
  const tenure = startTenure({ lease: slow, log: quiet });
  await eventually(() => expect(tenure.holds()).toBe(true));
  await renewing.promise;
  const stopped = tenure.stop();
  stopping.resolve();
  await stopped;
  expect(tenure.holds()).toBe(false);
  expect(await home.records.outbox.lease('b').acquire()).toBe(true);
});
