import { BSON } from 'mongodb';
import { fromBson } from './values.ts';

/**
 * Values of the domain straight from the bytes of BSON, and only those that are asked for. The driver makes objects of a whole
 * document before anybody has asked for a field, and dates that become texts again: for the relay that was most of its work.
 */

/** Where a field lies. */
interface Place {
  readonly type: number;
  readonly from: number;
  readonly to: number;
}

/** A document of which fields are read when they are asked for. */
export interface Fields {
  readonly names: readonly string[];
  /** As the domain has it, see `fromBson`; undefined when there is no such field. */
  value(name: string): unknown;
  /** The documents of an array, in order; none when the field is no array. */
  documents(name: string): readonly Fields[];
}

/** @throws RangeError when the bytes are no whole document. */
export function fieldsOf(bytes: Uint8Array): Fields {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = buffer.length < 5 ? Number.NaN : buffer.readInt32LE(0);
  if (end !== buffer.length || buffer[end - 1] !== 0) throw new RangeError('no whole BSON document');
  return fieldsWithin(buffer, 0);
}

function fieldsWithin(buffer: Buffer, start: number): Fields {
  const places = new Map<string, Place>();
  eachField(buffer, start, (name, place) => places.set(name(), place));
  return {
    names: [...places.keys()],
    value(name) {
      const place = places.get(name);
      return place === undefined ? undefined : valueAt(buffer, place);
    },
    documents(name) {
      const place = places.get(name);
      if (place?.type !== ARRAY) return [];
      const found: Fields[] = [];
      eachField(buffer, place.from, (_, item) => {
        if (item.type === OBJECT) found.push(lazily(() => fieldsWithin(buffer, item.from)));
      });
      return found;
    },
  };
}

/** Of a long history the last entries are read, and nothing of the others. */
function lazily(make: () => Fields): Fields {
  let made: Fields | undefined;
  const fields = (): Fields => {
    made ??= make();
    return made;
  };
  return {
    get names() {
      return fields().names;
    },
    value: (name) => fields().value(name),
    documents: (name) => fields().documents(name),
  };
}

const DOUBLE = 1;
const TEXT = 2;
const OBJECT = 3;
const ARRAY = 4;
const BOOLEAN = 8;
const DATE = 9;
const NULL = 10;
const INT32 = 16;

function eachField(buffer: Buffer, start: number, found: (name: () => string, place: Place) => void): void {
  const end = start + buffer.readInt32LE(start) - 1;
  let at = start + 4;
  while (at < end) {
    const type = buffer[at] ?? 0;
    const nameFrom = at + 1;
    let nameTo = nameFrom;
    while (buffer[nameTo] !== 0) nameTo += 1;
    const from = nameTo + 1;
    const to = from + sizeAt(buffer, type, from);
    if (to > end) throw new RangeError('a BSON document with a field beyond its end');
    found(() => buffer.toString('utf8', nameFrom, nameTo), { type, from, to });
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
      eachField(buffer, from, (_, place) => items.push(valueAt(buffer, place)));
      return items;
    }
    case OBJECT: {
      const fields: Record<string, unknown> = {};
      eachField(buffer, from, (name, place) => {
        fields[name()] = valueAt(buffer, place);
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
