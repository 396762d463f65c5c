import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readBody } from './body.ts';

const read = (text: string) => readBody(Buffer.from(text));

describe('a body', () => {
  test('is read as what it says', () => {
    const keys = fc.string({ unit: 'grapheme' }).filter((key) => !/^(__proto__|constructor|prototype)$/.test(key));
    fc.assert(
      fc.property(fc.dictionary(keys, fc.jsonValue({ maxDepth: 5 }), { noNullPrototype: true }), (value) => {
        fc.pre(!/"(__proto__|constructor|prototype)":/.test(JSON.stringify(value)));
        expect(read(JSON.stringify(value))).toEqual({ value: JSON.parse(JSON.stringify(value)) });
        expect(read(JSON.stringify(value, null, 2))).toEqual({ value: JSON.parse(JSON.stringify(value)) });
      }),
    );
  });

  test('may be empty', () => {
    expect(read('')).toEqual({ value: {} });
  });

  test('with broken UTF-8 or half of a surrogate pair is refused', () => {
    expect(readBody(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toMatchObject({
      problem: { status: 400 },
    });
    expect(read('{"text":"\\ud800"}')).toMatchObject({ problem: { reason: 'malformed' } });
    expect(read('{"text":"\\ud83d\\ude00"}')).toEqual({ value: { text: '😀' } });
  });

  test('that is no JSON object is refused', () => {
    for (const text of ['{', '{"a":1,}', "{'a':1}", 'NaN', '{"a":1} x', '\u00a0{}']) {
      expect(read(text), text).toMatchObject({ problem: { reason: 'malformed', status: 400 } });
    }
    for (const text of ['[]', '"x"', '1', 'null', 'true']) {
      expect(read(text), text).toMatchObject({ problem: { reason: 'invalid-request', fields: [{ rule: 'type' }] } });
    }
  });

  test('that says a field twice is refused, however it is written', () => {
    expect(read('{"a":1,"a":2}')).toMatchObject({ problem: { fields: [{ field: 'a', rule: 'duplicate' }] } });
    expect(read('{"a":1,"\\u0061":2}')).toMatchObject({ problem: { fields: [{ field: 'a', rule: 'duplicate' }] } });
    expect(read('{"x":{"a":1},"y":{"a":2},"z":["a","a",{"a":"a\\":"}]}')).toHaveProperty('value');
  });

  test('that reaches into prototypes is refused', () => {
    for (const text of ['{"__proto__":{}}', '{"a":{"constructor":{"prototype":{}}}}', '{"\\u005f_proto__":1}']) {
      expect(read(text), text).toMatchObject({ problem: { fields: [{ rule: 'unknown' }] } });
    }
  });

  test('that is nested without end is refused', () => {
    expect(read(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)).toMatchObject({ problem: { status: 400 } });
  });
});
