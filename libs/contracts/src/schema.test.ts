import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Codec, descriptors, messageSchema, rpcs } from './index.ts';
import { fieldSchemaOf, type JsonSchema } from './schema.ts';

const json = { form: 'json', rules: true } as const;
const order = messageSchema('bandeng.tickets.v1.OrderTicketRequest', json);

function compile(schema: JsonSchema) {
  return new Ajv2020({ strictTypes: false, strictRequired: false, formats: { 'date-time': true } }).compile(schema);
}

function property(type: string, name: string): JsonSchema {
  const field = descriptors()
    .registry.getMessage(type)
    ?.fields.find(({ jsonName }) => jsonName === name);
  if (field === undefined) throw new Error(`${type} has no ${name}`);
  return fieldSchemaOf(descriptors(), field, json);
}

describe('a request in proto JSON', () => {
  const valid = { text: '楼道灯坏了', territory: '459902', category: '城乡建设' };

  test('is taken as the contract says', () => {
    expect(compile(order)(valid)).toBe(true);
  });

  test.each([
    ['misses a required field', { ...valid, text: undefined }],
    ['leaves a required text empty', { ...valid, text: '' }],
    ['has an unknown field', { ...valid, colour: 'red' }],
    ['has a text that is too long', { ...valid, text: '字'.repeat(4001) }],
    ['has a code of letters', { ...valid, territory: 'abc' }],
    ['has a code with a line break behind it', { ...valid, territory: '459902\n' }],
    ['says UNSPECIFIED', { ...valid, urgency: 'UNSPECIFIED' }],
    ['has a number for a text', { ...valid, text: 7 }],
    ['has a text for a truth value', { ...valid, onBehalf: 'true' }],
    ['holds NUL', { ...valid, place: 'a\u0000b' }],
    ['says null', { ...valid, place: null }],
  ])('is refused when it %s', (_, request) => {
    expect(compile(order)(JSON.parse(JSON.stringify(request)))).toBe(false);
  });

  test('counts characters, not UTF-16 units', () => {
    expect(compile(order)({ ...valid, text: '𠮷'.repeat(4000) })).toBe(true);
  });

  test('may leave out or leave empty what is not required, whatever its pattern', () => {
    const list = compile(messageSchema('bandeng.tickets.v1.ListTicketsRequest', json));
    expect(list({})).toBe(true);
    expect(list({ handler: '' })).toBe(true);
    expect(list({ handler: 'unit:7' })).toBe(true);
    expect(list({ handler: 'unit:7 or more' })).toBe(false);
  });

  test('has exactly one field of a choice', () => {
    const dispatch = compile(messageSchema('bandeng.tickets.v1.DispatchTicketRequest', json));
    expect(dispatch({ id: '1', handler: { unit: 'u' } })).toBe(true);
    expect(dispatch({ id: '1', handler: {} })).toBe(false);
    expect(dispatch({ id: '1', handler: { unit: 'u', grid: '459902001001001' } })).toBe(false);
  });

  test('applies the rules of a repeated text to each item and the number of items to the list', () => {
    const path = compile(property('bandeng.tickets.v1.RegisterCategoryRequest', 'path'));
    expect(path(['城乡建设', '园林'])).toBe(true);
    expect(path([])).toBe(false);
    expect(path(['城乡建设', ''])).toBe(false);
    expect(path(['城乡.建设'])).toBe(false);
    expect(path(['a', 'b', 'c', 'd', 'e', 'f'])).toBe(false);
    expect(path(['a\u0000'])).toBe(false);
  });

  test('measures an optional text only where there is one', () => {
    const password = compile(property('bandeng.identity.v1.RegisterAccountRequest', 'password'));
    expect(password('')).toBe(true);
    expect(password('too short')).toBe(false);
    expect(password('long enough')).toBe(true);
  });
});

test('an answer requires what the system always sends, and only that', () => {
  const sent = messageSchema('bandeng.tickets.v1.Ticket', { form: 'json', rules: false, sent: true });
  expect(sent.required).toEqual(expect.arrayContaining(['id', 'version', 'status', 'overdue', 'allowedActions']));
  expect(sent.required).not.toContain('rating');
  expect(sent.required).not.toContain('handler');
  expect(sent.required).not.toContain('orderedAt');
});

const texts = fc.string({ unit: 'grapheme', maxLength: 20 });

/** Values of proto JSON that a shape allows, defaults included. */
function valuesOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum);
  if (schema.format === 'date-time') {
    const range = { min: new Date('1970-01-01'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true };
    return fc.date(range).map((date) => date.toISOString());
  }
  switch (schema.type) {
    case 'string':
      return schema.contentEncoding === 'base64'
        ? fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('base64'))
        : texts;
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.integer({ min: Number(schema.minimum), max: Number(schema.maximum) });
    case 'number':
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    case 'array':
      return fc.array(valuesOf(Object(schema.items)), { maxLength: 2 });
    case 'object':
      return objectsOf(schema);
    default:
      throw new Error(`no values for ${JSON.stringify(schema)}`);
  }
}

function objectsOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (schema.properties === undefined) {
    // What a prototype has of its own is no key that anybody sends.
    const keys = fc.string({ minLength: 1 }).filter((key) => !(key in {}));
    return fc.dictionary(keys, valuesOf(Object(schema.additionalProperties)), {
      minKeys: 1,
      maxKeys: 2,
      noNullPrototype: true,
    });
  }
  const fields = Object.entries<JsonSchema>(Object(schema.properties)).map(
    ([name, field]) => [name, valuesOf(field)] as const,
  );
  const choices = fields.map(([name, values]) => values.map((value) => ({ [name]: value })));
  if (schema.maxProperties === 1) return fc.oneof(...choices);
  const required = Array.isArray(schema.required) ? schema.required.map(String) : [];
  return fc.record(Object.fromEntries(fields), { requiredKeys: required, noNullPrototype: true });
}

/** What a message says, defaults left out, so that two spellings of the same are equal. */
function essence(codec: Codec, message: unknown): unknown {
  return codec.toJSON(codec.decode(codec.encode(message).finish()));
}

test('what a shape allows comes through codec, bytes and back unchanged, and what is sent fits its schema', {
  timeout: 60_000,
}, () => {
  const messages = new Map(
    rpcs.flatMap((rpc): [string, Codec][] => [
      [rpc.requestType, rpc.request],
      [rpc.responseType, rpc.response],
    ]),
  );
  for (const [type, codec] of messages) {
    const shape = messageSchema(type, { form: 'json', rules: false, sent: true });
    const fits = compile(shape);
    fc.assert(
      fc.property(valuesOf(shape), (value) => {
        const message = codec.fromJSON(value);
        const back = essence(codec, message);
        expect(back).toEqual(codec.toJSON(message));
        expect(back).toMatchObject(Object(value));
        // A request may leave its enums out; only what is sent promises to name them.
        if (type.endsWith('Request')) return;
        expect(fits(back), JSON.stringify(fits.errors)).toBe(true);
      }),
      { numRuns: 10 },
    );
  }
});
