import { describe, expect, it } from 'vitest';
import { hashPassword, passwordMatches } from './passwords.ts';

describe('a password', () => {
  it('is kept as an argon2id hash with its own salt and parameters', async () => {
    const [one, two] = await Promise.all([hashPassword('a bench to sit on'), hashPassword('a bench to sit on')]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
    expect(two).not.toBe(one);
  });

  it('matches its hash and no other password does', async () => {
    const hash = await hashPassword('a bench to sit on');
    await expect(passwordMatches('a bench to sit on', hash)).resolves.toBe(true);
    await expect(passwordMatches('a bench to sit oN', hash)).resolves.toBe(false);
    await expect(passwordMatches('', hash)).resolves.toBe(false);
  });

  it('is compared with the parameters that its hash names', async () => {
    // Made by another implementation (argon2-cffi): 'password', salt 'somesalt', t=2, m=256, p=1.
    const hash = '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4';
    await expect(passwordMatches('password', hash)).resolves.toBe(true);
  });

  it('never matches what is no such hash', async () => {
    await expect(passwordMatches('x', '')).resolves.toBe(false);
    await expect(passwordMatches('x', '$2b$10$abcdefghijklmnopqrstuv')).resolves.toBe(false);
  });
});
