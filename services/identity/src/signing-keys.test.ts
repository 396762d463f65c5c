import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { publicKeys, signingKeys } from './signing-keys.ts';

describe('the signing keys', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'keys-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('are made once, for the owner alone, and stay', async () => {
    const file = join(directory, 'keys', 'signing.json');
    const made = await signingKeys({ file });
    expect(made.keys.map(({ alg, use }) => [alg, use])).toEqual([
      ['EdDSA', 'sig'],
      ['ES256', 'sig'],
    ]);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await expect(signingKeys({ file })).resolves.toEqual(made);
  });

  it('are the same for all processes that start at once', async () => {
    const file = join(directory, 'signing.json');
    const kids = await Promise.all(Array.from({ length: 5 }, () => signingKeys({ file })));
    expect(new Set(kids.map(({ keys }) => JSON.stringify(keys))).size).toBe(1);
  });

  it('are published without their private halves', async () => {
    const { keys } = publicKeys(await signingKeys({ file: join(directory, 'signing.json') }));
    expect(keys.map((key) => Object.keys(key).sort())).toEqual([
      ['alg', 'crv', 'kid', 'kty', 'use', 'x'],
      ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'],
    ]);
  });

  it('come from the configuration where it has them, and not without an algorithm that is needed', async () => {
    const made = await signingKeys({ file: join(directory, 'signing.json') });
    const elsewhere = join(directory, 'unused.json');
    await expect(signingKeys({ json: JSON.stringify(made), file: elsewhere })).resolves.toEqual(made);
    await expect(stat(elsewhere)).rejects.toThrow('ENOENT');
    const half = JSON.stringify({ keys: made.keys.slice(0, 1) });
    await expect(signingKeys({ json: half, file: elsewhere })).rejects.toThrow(
      'BANDENG_SIGNING_KEYS holds no private ES256 key with a kid',
    );
    await expect(signingKeys({ json: '{"keys": secret', file: elsewhere })).rejects.toThrow(
      /^BANDENG_SIGNING_KEYS is no JSON$/,
    );
  });
});
