import fc from 'fast-check';
import { BSON } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { fieldsOf, lazily } from './bytes.ts';
import { fieldsToBson, fromBson, isFieldName } from './values.ts';

const name = fc.string({ unit: 'binary' }).filter(isFieldName);
const instant = fc
  .date({ min: new Date(0), max: new Date('2200-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString());
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'binary' }),
    instant,
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4 }),
  ),
}));

describe('a field read from the bytes of a document', () => {
  it('is what the driver and then the domain make of it, whatever it holds', () => {
    fc.assert(
      fc.property(fc.dictionary(name, value, { maxKeys: 6 }), (document) => {
        const bytes = BSON.serialize(fieldsToBson(document));
        const whole = fromBson(BSON.deserialize(bytes));
        const fields = fieldsOf(bytes);
        const read = Object.fromEntries(fields.names().map((one) => [one, fields.value(one)]));
        expect(read).toStrictEqual(whole);
        expect(fields.names()).toStrictEqual(Object.keys(whole ?? {}));
      }),
    );
  });

  it('may be of a type that the domain does not have', () => {
    const document = {
      id: new BSON.ObjectId(),
      long: BSON.Long.fromString('9007199254740993'),
      bytes: Buffer.from('b'),
      like: /a/i,
    };
    const bytes = BSON.serialize({ ...document, after: 1 });
    const fields = fieldsOf(bytes);
    expect(fields.value('id')).toEqual(document.id);
    expect(fields.value('like')).toEqual(BSON.deserialize(bytes).like);
    expect(fields.value('long')).toEqual(BSON.deserialize(bytes).long);
    expect(fields.value('after')).toBe(1);
    expect(fields.value('none')).toBeUndefined();
  });

  it('may be one of the documents of an array, of which only those are read that are asked', () => {
    const fields = fieldsOf(BSON.serialize({ history: [{ seq: 1 }, { seq: 2, data: { at: new Date(0) } }] }));
    const history = fields.documents('history');
    expect([-1, 0, 1, 2].map((index) => history.at(index)?.value('seq'))).toEqual([undefined, 1, 2, undefined]);
    expect(history.at(1)?.value('data')).toEqual({ at: '1970-01-01T00:00:00.000Z' });
    expect(history.at(1)?.within('data')?.value('at')).toBe('1970-01-01T00:00:00.000Z');
    expect(fields.documents('none').length).toBe(0);
  });

  it('is not read from what is no whole document', () => {
    const bytes = BSON.serialize({ text: 'a', more: [1, 2, 3] });
    for (let length = 0; length < bytes.length; length += 1) {
      expect(() => fieldsOf(bytes.subarray(0, length))).toThrow(RangeError);
    }
  });

  it('is the same in an object whose fields are made when they are asked for', () => {
    fc.assert(
      fc.property(fc.dictionary(name, value, { maxKeys: 6 }), name, (document, other) => {
        const bytes = BSON.serialize(fieldsToBson(document));
        const whole: Record<string, unknown> = Object(fromBson(BSON.deserialize(bytes)));
        const byOne: Record<string, unknown> = Object(lazily(fieldsOf(bytes)));
        for (const one of [...Object.keys(whole), other]) expect(byOne[one]).toStrictEqual(whole[one]);
        expect(lazily(fieldsOf(bytes))).toStrictEqual(whole);
        expect({ ...lazily(fieldsOf(bytes)) }).toStrictEqual(whole);
        expect(other in lazily(fieldsOf(bytes))).toBe(other in whole);
        expect(JSON.stringify(lazily(fieldsOf(bytes)))).toBe(JSON.stringify(whole));
      }),
    );
    const some = lazily(fieldsOf(BSON.serialize({ a: 1, b: 2, c: 3 })), { b: 'known' }, (one) => one === 'c');
    expect(some).toStrictEqual({ a: 1, b: 'known' });
  });
});
