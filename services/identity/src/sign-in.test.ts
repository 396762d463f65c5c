import { expect, it } from 'vitest';
import { signInOf } from './sign-in.ts';

it('turns away whoever comes when two hundred are signing in, and counts no failure for it', async () => {
  const begun: string[] = [];
  const go = Promise.withResolvers<undefined>();
  const signIn = signInOf({
    people: { byLogin: () => go.promise, byId: async () => undefined },
    vault: { secret: async () => undefined, replaceSecret: async () => false },
    attempts: {
      begin: async (login) => Number(begun.push(login) < 0),
      forget: async () => undefined,
      forgetLogin: async () => undefined,
    },
    changed: async () => undefined,
  });
  const lina = { login: 'li.na', password: 'a bench to sit on', from: 'y' };
  const first = Array.from({ length: 200 }, (_, number) =>
    signIn({ login: `somebody-${number}`, password: 'a guess', from: 'x' }),
  );
  expect(await signIn(lina)).toEqual({ outcome: 'crowded' });
  expect(begun).not.toContain('li.na');
  go.reject(new Error('the database is away'));
  expect((await Promise.allSettled(first)).map(({ status }) => status)).toEqual(first.map(() => 'rejected'));
  await expect(signIn(lina)).rejects.toThrow('the database is away');
  expect(begun).toContain('li.na');
});
