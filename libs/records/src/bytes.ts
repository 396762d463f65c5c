import { BSON } from 'mongodb';
import { fromBson } from './values.ts';

/**
 * Values of the domain straight from the bytes of BSON, and only those that are asked for. The driver makes objects of a whole
 * document before anybody has asked for a field, and dates that become texts again: for the relay that was most of its work.
 */

/** Where a value lies. */
interface Place {
  readonly type: number;
  readonly from: number;
  readonly to: number;
}

/** A document of which fields are read when they are asked for. */
export interface Fields {
  names(): readonly string[];
  /** As the domain has it, see `fromBson`; undefined when there is no such field. */
  value(name: string): unknown;
  /** The fields of a document within; undefined when the field is none. */
  within(name: string): Fields | undefined;
  /** The documents of an array, in order; none when the field is no array. */
  documents(name: string): Documents;
}

/** The documents of an array. */
export interface Documents {
  readonly length: number;
  at(index: number): Fields | undefined;
}

/** @throws RangeError when the bytes are no whole document. */
export function fieldsOf(bytes: Uint8Array): Fields {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = buffer.length < 5 ? Number.NaN : buffer.readInt32LE(0);
  if (end !== buffer.length || buffer[end - 1] !== 0) throw new RangeError('no whole BSON document');
  return fieldsWithin(buffer, 0);
}

function fieldsWithin(buffer: Buffer, start: number): Fields {
  return {
    names() {
      const names: string[] = [];
      eachField(buffer, start, (from, to) => names.push(buffer.toString('utf8', from, to)));
      return names;
    },
    value(name) {
      const place = find(buffer, start, name);
      return place === undefined ? undefined : valueAt(buffer, place);
    },
    within(name) {
      const place = find(buffer, start, name);
      return place?.type === OBJECT ? fieldsWithin(buffer, place.from) : undefined;
    },
    documents(name) {
      const place = find(buffer, start, name);
      const starts: number[] = [];
      if (place?.type === ARRAY) {
        eachField(buffer, place.from, (_from, _to, type, from) => {
          if (type === OBJECT) starts.push(from);
        });
      }
      return {
        length: starts.length,
        at(index) {
          const from = starts[index];
          return from === undefined ? undefined : fieldsWithin(buffer, from);
        },
      };
    },
  };
}

/**
 * An object with these fields, each made when it is asked for first, and all of them when somebody looks at the whole. `made`
 * are fields that are known already, and `without` some that it shall not have.
 */
export function lazily(
  fields: Fields,
  made: Readonly<Record<string, unknown>> = {},
  without: (name: string) => boolean = () => false,
): object {
  const object: Record<string, unknown> = { ...made };
  let whole = false;
  const one = (name: string): void => {
    if (Object.hasOwn(object, name) || without(name)) return;
    const value = fields.value(name);
    if (value !== undefined) object[name] = value;
  };
  const all = (): void => {
    if (!whole) for (const name of fields.names()) one(name);
    whole = true;
  };
  return new Proxy(object, {
    get(target, name) {
      if (!whole && typeof name === 'string') one(name);
      return Reflect.get(target, name);
    },
    has(target, name) {
      all();
      return Reflect.has(target, name);
    },
    ownKeys(target) {
      all();
      return Reflect.ownKeys(target);
    },
    getOwnPropertyDescriptor(target, name) {
      all();
      return Reflect.getOwnPropertyDescriptor(target, name);
    },
  });
}

/** Names as they stand in documents: few, and asked for again and again. */
const written = new Map<string, Uint8Array>();

function bytesOf(name: string): Uint8Array {
  const known = written.get(name);
  if (known !== undefined) return known;
  const bytes = Buffer.from(`${name}\0`);
  if (written.size < 1_000) written.set(name, bytes);
  return bytes;
}

function find(buffer: Buffer, start: number, name: string): Place | undefined {
  const wanted = bytesOf(name);
  const end = start + buffer.readInt32LE(start) - 1;
  let at = start + 4;
  while (at < end) {
    const type = buffer[at] ?? 0;
    let same = true;
    let index = 0;
    at += 1;
    for (;;) {
      const byte = buffer[at];
      if (byte !== wanted[index]) same = false;
      at += 1;
      index += 1;
      if (byte === 0) break;
      if (byte === undefined) throw new RangeError('a BSON name without end');
    }
    const to = at + sizeAt(buffer, type, at);
    if (to > end) throw new RangeError('a BSON document with a field beyond its end');
    if (same && index === wanted.length) return { type, from: at, to };
    at = to;
  }
  return undefined;
}

const DOUBLE = 1;
const TEXT = 2;
const OBJECT = 3;
const ARRAY = 4;
const BOOLEAN = 8;
const DATE = 9;
const NULL = 10;
const INT32 = 16;

type Found = (nameFrom: number, nameTo: number, type: number, from: number, to: number) => void;

function eachField(buffer: Buffer, start: number, found: Found): void {
  const end = start + buffer.readInt32LE(start) - 1;
  let at = start + 4;
  while (at < end) {
    const type = buffer[at] ?? 0;
    const nameFrom = at + 1;
    let nameTo = nameFrom;
    while (buffer[nameTo] !== 0) {
      if (nameTo >= end) throw new RangeError('a BSON name without end');
      nameTo += 1;
    }
    const from = nameTo + 1;
    const to = from + sizeAt(buffer, type, from);
    if (to > end) throw new RangeError('a BSON document with a field beyond its end');
    found(nameFrom, nameTo, type, from, to);
    at = to;
  }
}

function sizeAt(buffer: Buffer, type: number, from: number): number {
  switch (type) {
    case DOUBLE:
    case DATE:
    case 17: // timestamp
    case 18: // long
      return 8;
    case TEXT:
    case 13: // JavaScript
    case 14: // symbol
      return 4 + buffer.readInt32LE(from);
    case OBJECT:
    case ARRAY:
    case 15: // JavaScript with its scope
      return buffer.readInt32LE(from);
    case 5: // binary
      return 5 + buffer.readInt32LE(from);
    case 7: // object id
      return 12;
    case BOOLEAN:
      return 1;
    case 6: // undefined
    case NULL:
    case 127:
    case 255:
      return 0;
    case INT32:
      return 4;
    case 19: // decimal
      return 16;
    case 11: // regular expression: two texts that end with 0
      return buffer.indexOf(0, buffer.indexOf(0, from) + 1) + 1 - from;
    default:
      throw new RangeError(`a BSON field of type ${type}`);
  }
}

function valueAt(buffer: Buffer, { type, from, to }: Place): unknown {
  switch (type) {
    case TEXT:
      return buffer.toString('utf8', from + 4, to - 1);
    case INT32:
      return buffer.readInt32LE(from);
    case DOUBLE:
      return buffer.readDoubleLE(from);
    case BOOLEAN:
      return buffer[from] === 1;
    case NULL:
      return null;
    case DATE:
      return new Date(Number(buffer.readBigInt64LE(from))).toISOString();
    case ARRAY: {
      const items: unknown[] = [];
      eachField(buffer, from, (_from, _to, type, at, end) => items.push(valueAt(buffer, { type, from: at, to: end })));
      return items;
    }
    case OBJECT: {
      const fields: Record<string, unknown> = {};
      eachField(buffer, from, (nameFrom, nameTo, type, at, end) => {
        fields[buffer.toString('utf8', nameFrom, nameTo)] = valueAt(buffer, { type, from: at, to: end });
      });
      return fields;
    }
    default:
      return foreign(buffer.subarray(from, to), type);
  }
}

/** What the domain does not have and the driver reads: a document with this one field. */
function foreign(value: Uint8Array, type: number): unknown {
  const document = Buffer.alloc(4 + 3 + value.length + 1);
  document.writeInt32LE(document.length, 0);
  document.set([type, 0x76, 0], 4);
  document.set(value, 7);
  return fromBson(BSON.deserialize(document).v);
}
