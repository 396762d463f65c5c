import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { BSON } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { fieldsToBson, fromBson, isFieldName, isInstant, same, toBson } from './values.ts';

const instant = fc
  .date({ min: new Date('0000-01-01T00:00:00.000Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
  .map((date) => date.toISOString());
const text = fc.oneof(fc.string({ unit: 'grapheme' }), instant);
const number = fc.oneof(fc.integer(), fc.double({ noNaN: true }), fc.maxSafeInteger());
const name = fc.string({ unit: 'grapheme', minLength: 1 }).filter(isFieldName);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, fc.constant(null), fc.boolean(), number, text, tie('list'), tie('fields')),
  list: fc.array(tie('value'), { maxLength: 4 }),
  fields: fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true }),
}));

describe('values of the domain in the database', () => {
  it('come back as they were, through the bytes of BSON', () => {
    fc.assert(
      fc.property(value, (before) => {
        const bytes = BSON.serialize({ value: toBson(before) });
        const after = fromBson(BSON.deserialize(bytes).value);
        // Not by `toStrictEqual`, which takes what a field called `constructor` holds for the type of the object.
        expect(isDeepStrictEqual(after, before)).toBe(true);
        expect(same(before, after)).toBe(true);
      }),
      { numRuns: 500, examples: [[{ constructor: [] }]] },
    );
  });

  it('are dates there when they are instants', () => {
    fc.assert(fc.property(instant, (text) => isInstant(text) && toBson(text) instanceof Date));
  });

  it.each([
    '2026-02-30T00:00:00.000Z',
    '2026-01-01T24:00:00.000Z',
    '2026-13-01T00:00:00.000Z',
    '2026-01-01T00:00:00Z',
    '2026-01-01T00:00:00.000+08:00',
    '2026-01-01',
    ' 2026-01-01T00:00:00.000Z',
    '2026-01-01t00:00:00.000z',
    '',
  ])('stay text when a date would not write them so: %j', (text) => {
    expect(toBson(text)).toBe(text);
  });

  it('have no field for what is undefined', () => {
    expect(fieldsToBson({ there: 1, gone: undefined })).toStrictEqual({ there: 1 });
  });

  it.each(['$set', 'a.b', '', '__proto__', 'a\0b'])('have no field called %j', (wrong) => {
    const fields = Object.fromEntries([[wrong, 1]]);
    expect(() => toBson(fields)).toThrow(TypeError);
    expect(() => toBson({ within: [fields] })).toThrow(TypeError);
  });

  it.each([[new Date()], [new Map()], [1n], [() => 1], [[undefined]]])(
    'are nothing that JSON does not have: %s',
    (wrong) => {
      expect(() => toBson({ wrong })).toThrow(TypeError);
    },
  );

  it('are the same whatever the order of their fields, and not the same when anything differs', () => {
    expect(same({ a: 1, b: [{ c: 2 }] }, { b: [{ c: 2 }], a: 1 })).toBe(true);
    expect(same({ a: undefined }, {})).toBe(true);
    expect(same({ a: null }, {})).toBe(false);
    expect(same([1, 2], [2, 1])).toBe(false);
    expect(same([1], { 0: 1 })).toBe(false);
    expect(same('1', 1)).toBe(false);
  });
});
