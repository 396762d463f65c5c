import { setTimeout as pause } from 'node:timers/promises';
import { eventually, settled } from '@bandeng/testing';
import { expect, test } from 'vitest';
import { allWell, judge } from './ledger.ts';
import { orderWhile } from './orders.ts';
import { type Replica, replicatedCity } from './replicas.ts';

/** The one who ordered and the community's one dispatcher. */
const told = 2;
const both = ['tickets', 'notifications'] as const;
const stopping = (point: string) => ({ BANDENG_FAIL_POINT: point, BANDENG_FAIL_SIGNAL: 'SIGSTOP' });

/** Waits until the other has both leases and works, then lets the one go on that believes it still has them. */
async function takenOver(frozen: Replica, other: Replica): Promise<void> {
  await eventually(async () => expect(await other.leads()).toBe(true), { within: 20_000 });
  await pause(500);
  expect(frozen.isFrozen()).toBe(true);
  frozen.thaw();
}

test('of two replicas under load each stands still in turn, goes on later, and nothing is lost or done twice', async () => {
  await using city = await replicatedCity();
  const [one, other] = city.replicas;
  // Stopped when it has seen that it holds the lease and is about to publish: it will, when it goes on.
  await one.start(stopping('before-publish:30'));
  for (const service of both) {
    await eventually(async () => expect(await city.terms(service)).toBe(1), { within: 30_000 });
  }
  // Stopped when its messages are on the bus and nobody knows it yet.
  await other.start(stopping('after-publish:10'));
  await city.ready();
  const token = await city.token('resident');
  let over = false;
  const ordering = orderWhile(city, token, () => !over);
  try {
    await eventually(() => expect(one.isFrozen()).toBe(true), { within: 40_000 });
    await takenOver(one, other);
    await eventually(() => expect(other.isFrozen()).toBe(true), { within: 40_000 });
    await takenOver(other, one);
    await pause(Math.random() * 1_000);
    one.freeze();
    await takenOver(one, other);
    await pause(500);
    await other.stop();
    await eventually(async () => expect(await one.leads()).toBe(true), { within: 10_000 });
    await pause(500);
  } finally {
    over = true;
  }
  expect(await ordering).toBeGreaterThan(100);
  await settled(city.parts);
  for (const service of both) expect(await city.terms(service)).toBeGreaterThanOrEqual(5);
  expect(await judge(city.ledger, city.parts, told)).toEqual(allWell);
}, 150_000);
