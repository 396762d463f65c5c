import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { communityOf, isWithin, kindOf, normalize, parentOf, prefixes } from './codes.ts';

function group(digits: number, least = 1, most = 10 ** digits - 1) {
  return fc.integer({ min: least, max: most }).map((n) => String(n).padStart(digits, '0'));
}

const communities = fc
  .tuple(group(2), group(2), group(2), group(3), group(3))
  .map((groups) => groups.map((_, i) => groups.slice(0, i + 1).join('')));
const grids = fc.tuple(communities, group(3, 1, 499)).map(([above, last]) => [...above, `${above.at(-1)}${last}`]);
const compounds = fc.tuple(communities, group(3, 500)).map(([above, last]) => [...above, `${above.at(-1)}${last}`]);
const buildings = fc.tuple(compounds, group(3)).map(([above, last]) => [...above, `${above.at(-1)}${last}`]);
/** A path from the province down to any kind of territory. */
const paths = fc.oneof(
  grids,
  buildings,
  fc.tuple(communities, fc.integer({ min: 1, max: 5 })).map(([path, depth]) => path.slice(0, depth)),
);

describe('Territory codes', () => {
  test('a code names all places it lies in, from the province to itself', () => {
    fc.assert(
      fc.property(paths, (path) => {
        const code = path.at(-1) ?? '';
        expect(prefixes(code)).toEqual(path);
        expect(parentOf(code)).toBe(path.at(-2));
        expect(path.every((above) => isWithin(code, above))).toBe(true);
      }),
    );
  });

  test('padding with zeros to the national forms and back changes nothing', () => {
    fc.assert(
      fc.property(paths, fc.constantFrom(6, 12, 15), (path, length) => {
        const code = path.at(-1) ?? '';
        expect(normalize(code)).toBe(code);
        expect(normalize(code.padEnd(Math.max(length, code.length), '0'))).toBe(code);
      }),
    );
  });

  test('whatever is normalized is a code and stays as it is', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9]{1,20}$/), (digits) => {
        const code = normalize(digits);
        if (code === undefined) return;
        expect(kindOf(code)).toBeDefined();
        expect(normalize(code)).toBe(code);
      }),
    );
  });

  test('grids and compounds are siblings below a community, and buildings are below compounds', () => {
    expect(kindOf('459902001001')).toBe('community');
    expect(kindOf('459902001001001')).toBe('grid');
    expect(kindOf('459902001001499')).toBe('grid');
    expect(kindOf('459902001001500')).toBe('compound');
    expect(kindOf('459902001001999')).toBe('compound');
    expect(kindOf('459902001001500001')).toBe('building');
    expect(kindOf('459902001001001001')).toBeUndefined();
    expect(parentOf('459902001001001')).toBe('459902001001');
    expect(parentOf('459902001001500')).toBe('459902001001');
    expect(parentOf('459902001001500001')).toBe('459902001001500');
    expect(communityOf('459902001001500001')).toBe('459902001001');
    expect(communityOf('459902001')).toBeUndefined();
  });

  test('a street of a city without districts lies directly in the city', () => {
    expect(kindOf('441900003')).toBe('street');
    expect(parentOf('441900003')).toBe('4419');
    expect(prefixes('441900003001')).toEqual(['44', '4419', '441900003', '441900003001']);
    expect(normalize('441900')).toBe('4419');
  });

  test('what is no code has no kind', () => {
    for (const wrong of [
      '',
      '4',
      '00',
      '0012',
      '45990',
      '459900',
      '4599x2',
      '459902001001000',
      '4599020010015000001',
    ]) {
      expect(kindOf(wrong)).toBeUndefined();
      expect(prefixes(wrong)).toEqual([]);
    }
    expect(normalize('00')).toBeUndefined();
    expect(normalize('000000000000')).toBeUndefined();
  });
});
