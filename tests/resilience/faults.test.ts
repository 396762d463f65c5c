import { expect, test } from 'vitest';
import { fragileCity } from './city.ts';
import { allWell, judge } from './ledger.ts';

/** The one who ordered and the community's one dispatcher. */
const told = 2;

test('the process is killed in the middle of 2,000 orders: nothing is lost, doubled or stranded', async () => {
  await using city = await fragileCity();
  await city.start();
  const token = await city.token('resident');
  let again: Promise<void> | undefined;
  await city.order(token, 2_000, (number) => {
    if (number === 700 || number === 1_400) again = city.kill().then(() => city.start());
  });
  await again;
  await city.drained();
  expect(city.ledger.lines().answered.size).toBe(2_000);
  expect(await judge(city.ledger, city.parts, told)).toEqual(allWell);
}, 180_000);

test.each([
  ['between write and publish', 'before-publish:5'],
  ['between publish and mark', 'after-publish:5'],
])(
  'the process is killed %s: each event is on the stream exactly once',
  async (_name, place) => {
    await using city = await fragileCity();
    await city.start();
    const token = await city.token('resident');
    await city.kill();
    await city.start({ BANDENG_FAIL_POINT: place });
    const ordering = city.order(token, 300);
    await city.gone();
    await city.start();
    await ordering;
    await city.drained();
    expect(await judge(city.ledger, city.parts, told)).toEqual(allWell);
  },
  120_000,
);

test('while NATS is away ordering goes on, and the events arrive afterwards', async () => {
  await using city = await fragileCity();
  await city.start();
  const token = await city.token('resident');
  await city.parts.natsServer.kill();
  const started = performance.now();
  await city.order(token, 100);
  expect(performance.now() - started).toBeLessThan(20_000);
  expect((await fetch(`${city.address}/readyz`)).status).toBe(200);
  await city.parts.natsServer.start();
  await city.drained();
  expect(await judge(city.ledger, city.parts, told)).toEqual(allWell);
}, 120_000);

test('mongod is killed and started again: no acknowledged order is lost, and the services recover by themselves', async () => {
  await using city = await fragileCity();
  await city.start();
  const token = await city.token('resident');
  let again: Promise<void> | undefined;
  await city.order(token, 400, (number) => {
    if (number === 150) again = city.parts.mongod.kill().then(() => city.parts.mongod.start());
  });
  await again;
  await city.drained();
  expect(city.running()).toBe(true);
  expect(await judge(city.ledger, city.parts, told)).toEqual(allWell);
}, 120_000);
