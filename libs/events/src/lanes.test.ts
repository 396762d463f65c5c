import { expect, it } from 'vitest';
import { lanes } from './lanes.ts';

it('runs what has the same key one after the other, and the rest side by side', async () => {
  const running = lanes(10);
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  running.run('a', async () => {
    await gate.promise;
    seen.push('a1');
  });
  running.run('a', async () => void seen.push('a2'));
  running.run('b', async () => void seen.push('b1'));
  await new Promise((resolve) => setImmediate(resolve));
  expect(seen).toEqual(['b1']);
  gate.resolve();
  await running.idle();
  expect(seen).toEqual(['b1', 'a1', 'a2']);
});

it('gives out as many places as there are, and each back only once', async () => {
  const running = lanes(1);
  const giveBack = await running.place();
  let got = 0;
  void running.place().then(() => {
    got += 1;
  });
  void running.place().then(() => {
    got += 1;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(got).toBe(0);
  giveBack();
  giveBack();
  await new Promise((resolve) => setImmediate(resolve));
  expect(got).toBe(1);
});
