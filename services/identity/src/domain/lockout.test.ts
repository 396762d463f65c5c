import { describe, expect, it } from 'vitest';
import { waitAfter } from './lockout.ts';

describe('the wait after failed sign-ins', () => {
  it('begins with the fifth and doubles up to a quarter of an hour', () => {
    expect([0, 1, 4, 5, 6, 7, 9, 10, 11, 1000].map(waitAfter)).toEqual([0, 0, 0, 30, 60, 120, 480, 900, 900, 900]);
  });
});
