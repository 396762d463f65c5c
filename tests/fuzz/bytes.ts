/** Bytes and values for fuzzing: what a message may look like, and what becomes of good bytes on a bad line. */
import type { messageSchema } from '@bandeng/contracts';
import fc from 'fast-check';

type JsonSchema = ReturnType<typeof messageSchema>;

/** Values of proto JSON that fit a schema; texts are often those of `known`, so that ids lead somewhere. */
export function valuesOf(schema: JsonSchema, known: readonly string[]): fc.Arbitrary<unknown> {
  if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum);
  if (schema.format === 'date-time') {
    const range = { min: new Date('1000-01-01'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true };
    return fc.date(range).map((date) => date.toISOString());
  }
  switch (schema.type) {
    case 'string':
      return textsOf(schema, known);
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.integer({ min: Number(schema.minimum), max: Number(schema.maximum) });
    case 'number':
      return fc.double({ noNaN: true });
    case 'array':
      return fc.array(valuesOf(Object(schema.items), known), { maxLength: 3 });
    default:
      return objectsOf(schema, known);
  }
}

function textsOf({ pattern }: JsonSchema, known: readonly string[]): fc.Arbitrary<string> {
  const any = fc.string({ unit: 'binary', maxLength: 40 });
  const fitting = typeof pattern === 'string' ? fc.stringMatching(new RegExp(pattern, 'u')) : any;
  const found = { arbitrary: fc.constantFrom('', ...known), weight: 4 };
  return fc.oneof(found, { arbitrary: fitting, weight: 2 }, { arbitrary: any, weight: 1 });
}

function objectsOf(schema: JsonSchema, known: readonly string[]): fc.Arbitrary<unknown> {
  if (schema.properties === undefined) {
    const keys = fc.string({ minLength: 1 });
    return fc.dictionary(keys, valuesOf(Object(schema.additionalProperties), known), { maxKeys: 2 });
  }
  const fields = Object.entries<JsonSchema>(Object(schema.properties)).map(
    ([name, field]) => [name, valuesOf(field, known)] as const,
  );
  if (schema.maxProperties === 1) {
    return fc.oneof(...fields.map(([name, values]) => values.map((value) => ({ [name]: value }))));
  }
  const required = Array.isArray(schema.required) ? schema.required.map(String) : [];
  return fc.record(Object.fromEntries(fields), { requiredKeys: required });
}

/** Something that happens to bytes. */
type Harm = (bytes: Buffer) => Buffer;

const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const few = fc.uint8Array({ maxLength: 12 });

const harms: fc.Arbitrary<Harm> = fc.oneof(
  place.map(
    (at): Harm =>
      (bytes) =>
        bytes.subarray(0, Math.floor(at * bytes.length)),
  ),
  fc.tuple(place, fc.integer({ min: 0, max: 7 })).map(
    ([at, bit]): Harm =>
      (bytes) => {
        const index = Math.floor(at * bytes.length);
        return Buffer.from(bytes.map((byte, position) => (position === index ? byte ^ (1 << bit) : byte)));
      },
  ),
  fc.tuple(place, few).map(
    ([at, more]): Harm =>
      (bytes) => {
        const index = Math.floor(at * bytes.length);
        return Buffer.concat([bytes.subarray(0, index), more, bytes.subarray(index)]);
      },
  ),
  fc.tuple(place, place).map(
    ([one, other]): Harm =>
      (bytes) => {
        const [from, to] = [one, other].map((at) => Math.floor(at * bytes.length)).sort((a, b) => a - b);
        return Buffer.concat([bytes, bytes.subarray(from, to)]);
      },
  ),
);

/** Good bytes after one to three harms: cut, a bit turned, bytes put in, a part said twice. */
export function harmed(good: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  return fc
    .tuple(good, fc.array(harms, { minLength: 1, maxLength: 3 }))
    .map(([bytes, all]) => all.reduce((before, harm) => harm(before), bytes));
}
