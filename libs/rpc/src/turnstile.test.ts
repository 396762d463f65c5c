import fc from 'fast-check';
import { expect, test } from 'vitest';
import { turnstile } from './turnstile.ts';

test('never more than so many are inside, and all get through, also when some fail', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.boolean(), { maxLength: 30 }),
      async (scheduler, most, fails) => {
        const pass = turnstile(most);
        let inside = 0;
        const all = fails.map((fail) =>
          pass(async () => {
            inside += 1;
            expect(inside).toBeLessThanOrEqual(most);
            await scheduler.schedule(Promise.resolve());
            inside -= 1;
            if (fail) throw new Error('failed');
          }),
        );
        const settled = Promise.allSettled(all);
        await scheduler.waitFor(settled);
        expect((await settled).map(({ status }) => status)).toEqual(
          fails.map((fail) => (fail ? 'rejected' : 'fulfilled')),
        );
      },
    ),
  );
});

test('who waits is let in by order of coming, and it is known how many do', async () => {
  const pass = turnstile(2);
  const begun: number[] = [];
  const ends = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  const works = ends.map(({ promise }, index) =>
    pass(() => {
      begun.push(index);
      return promise;
    }),
  );
  expect([begun, pass.waiting()]).toEqual([[0, 1], 2]);
  ends[1]?.reject(new Error('failed'));
  await expect(works[1]).rejects.toThrow('failed');
  await expect.poll(() => begun).toEqual([0, 1, 2]);
  expect(pass.waiting()).toBe(1);
  for (const index of [0, 2, 3]) ends[index]?.resolve();
  await Promise.all([works[0], works[2], works[3]]);
  expect([begun, pass.waiting()]).toEqual([[0, 1, 2, 3], 0]);
  await expect(pass(async () => 'free again')).resolves.toBe('free again');
});
