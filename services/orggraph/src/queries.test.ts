import { describe, expect, test } from 'vitest';
import { postingsFilter } from './queries.ts';

describe('Postings that are asked for and permitted', () => {
  const own = { person: 'me' };
  const permitted = { $or: [{ territories: '459902' }, own] };

  test('are those of the narrower place', () => {
    expect(postingsFilter({ territories: '459902001' }, { territories: '459902' }, undefined)).toEqual({
      territories: '459902001',
    });
    expect(postingsFilter({ territories: '4599' }, permitted, undefined)).toEqual({
      $or: [{ territories: '459902' }, { territories: '4599', person: 'me' }],
    });
    expect(postingsFilter({ territories: '459903' }, { territories: '459902' }, undefined)).toBeUndefined();
  });

  test('are one’s own wherever they are, without looking twice', () => {
    expect(postingsFilter({ person: 'me' }, permitted, undefined)).toEqual(own);
    expect(postingsFilter({ person: 'you' }, permitted, undefined)).toEqual({ person: 'you', territories: '459902' });
    expect(postingsFilter({ person: 'you' }, own, undefined)).toBeUndefined();
    expect(postingsFilter({}, permitted, undefined)).toEqual(permitted);
    expect(postingsFilter({}, undefined, undefined)).toBeUndefined();
  });

  test('go on after a key by one range of an index for each branch', () => {
    const at = '2026-11-24T00:00:00.000Z';
    expect(postingsFilter({}, own, [at, 'x'])).toEqual({
      $or: [
        { person: 'me', createdAt: { $lt: new Date(at) } },
        { person: 'me', createdAt: new Date(at), _id: { $lt: 'x' } },
      ],
    });
  });
});
