import { describe, expect, it } from 'vitest';
import { eventually } from './eventually.ts';

describe('eventually', () => {
  it('answers what the check answers once it no longer throws', async () => {
    let tries = 0;
    const answer = await eventually(() => {
      tries += 1;
      expect(tries).toBeGreaterThan(2);
      return tries;
    });
    expect(answer).toBe(3);
  });

  it('takes false as not yet, but not undefined, zero or an empty text', async () => {
    const answers = [false, false, ''];
    expect(await eventually(async () => answers.shift())).toBe('');
    expect(await eventually(() => undefined)).toBeUndefined();
    expect(await eventually(() => 0)).toBe(0);
  });

  it('throws what the check threw last when time is up', async () => {
    await expect(eventually(() => Promise.reject(new Error('not yet')), { within: 30 })).rejects.toThrow('not yet');
    await expect(eventually(() => false, { within: 30 })).rejects.toThrow('still false after 30 ms');
  });
});
