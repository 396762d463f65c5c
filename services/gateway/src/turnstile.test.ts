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
