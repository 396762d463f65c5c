import {
  type DescEnum,
  type DescEnumValue,
  type DescField,
  type DescMessage,
  type DescOneof,
  ScalarType,
} from '@bufbuild/protobuf';
import type { Contracts, FieldRules } from './descriptors.ts';

/** A JSON Schema (draft 2020-12). */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** What a schema is for. */
export interface SchemaOptions {
  /** `json`: proto JSON, as HTTP and events carry it. `message`: as ts-proto holds a decoded message in memory. */
  readonly form: 'json' | 'message';
  /** With field rules (lengths, patterns, what is required), for what comes in; without, the shape alone. */
  readonly rules: boolean;
  /** Form `json`: what the system always sends, defaults included, is `required`. For answers and events. */
  readonly sent?: boolean;
  /** With comments as descriptions, for documents. */
  readonly described?: boolean;
  /** Names the schema of a message instead of writing it out in place, for documents. */
  readonly reference?: (message: DescMessage) => string;
}

/**
 * JSON Schema of a message. Beyond the standard it uses two keywords in form `message`: `text` (a string without NUL and
 * unpaired surrogates) and `instant` (a `Date` that is one); in form `json` these are a pattern (without NUL) and a format.
 */
export function schemaOf(contracts: Contracts, message: DescMessage, options: SchemaOptions): JsonSchema {
  return new SchemaMaker(contracts, options).message(message);
}

/** JSON Schema of one field, with its description where asked for. */
export function fieldSchemaOf(contracts: Contracts, field: DescField, options: SchemaOptions): JsonSchema {
  return new SchemaMaker(contracts, options).field(field);
}

/**
 * Strings that every store can hold: no NUL. Nothing is said here of halves of surrogate pairs, which no JSON text in UTF-8 has
 * unless by an escape that is malformed: many readers of JSON Schema cannot read a pattern that names them.
 */
const storable = '^[^\\u0000]*$';

class SchemaMaker {
  readonly #contracts: Contracts;
  readonly #options: SchemaOptions;
  readonly #json: boolean;
  readonly #open: DescMessage[] = [];

  constructor(contracts: Contracts, options: SchemaOptions) {
    this.#contracts = contracts;
    this.#options = options;
    this.#json = options.form === 'json';
  }

  message(message: DescMessage): JsonSchema {
    if (this.#open.includes(message)) throw new Error(`${message.typeName} contains itself: outside the subset`);
    this.#open.push(message);
    const schema = {
      type: 'object',
      ...this.#description(message),
      ...(this.#json ? this.#jsonFields(message) : this.#messageFields(message)),
    };
    this.#open.pop();
    return schema;
  }

  field(field: DescField): JsonSchema {
    const rules = this.#rules(field);
    return { ...this.#value(field, rules), ...this.#description(field) };
  }

  #jsonFields(message: DescMessage): JsonSchema {
    const properties = Object.fromEntries(message.fields.map((field) => [field.jsonName, this.field(field)]));
    const required = message.fields.filter((field) => this.#isRequired(field)).map(({ jsonName }) => jsonName);
    return {
      properties,
      ...(required.length === 0 ? {} : { required }),
      ...this.#exclusions(message),
      additionalProperties: false,
    };
  }

  /** Of the fields of a oneof at most one may be there. */
  #exclusions(message: DescMessage): JsonSchema {
    if (isChoice(message)) return { ...(this.#options.rules ? { minProperties: 1 } : {}), maxProperties: 1 };
    const pairs = message.oneofs.flatMap(({ fields }) =>
      fields.flatMap((one, index) => fields.slice(index + 1).map((other) => [one.jsonName, other.jsonName])),
    );
    return pairs.length === 0 ? {} : { allOf: pairs.map((required) => ({ not: { required } })) };
  }

  #messageFields(message: DescMessage): JsonSchema {
    const plain = message.fields.filter(({ oneof }) => oneof === undefined);
    const required = plain.filter((field) => this.#isRequired(field)).map(({ localName }) => localName);
    if (isChoice(message) && this.#options.rules) required.push(...message.oneofs.map(({ localName }) => localName));
    return {
      properties: {
        ...Object.fromEntries(plain.map((field) => [field.localName, this.field(field)])),
        ...Object.fromEntries(message.oneofs.map((oneof) => [oneof.localName, this.#chosen(oneof)])),
      },
      ...(required.length === 0 ? {} : { required }),
    };
  }

  #chosen({ fields }: DescOneof): JsonSchema {
    return {
      type: 'object',
      required: ['$case'],
      discriminator: { propertyName: '$case' },
      oneOf: fields.map((field) => ({
        properties: { $case: { const: field.localName }, value: this.field(field) },
        required: ['value'],
      })),
    };
  }

  #isRequired(field: DescField): boolean {
    const { rules, sent } = this.#options;
    // In memory a string, list or enum is always there, and its emptiness is judged by its own schema.
    const alwaysThere = field.fieldKind !== 'message' && field.oneof === undefined && !isOptional(field);
    if (rules && this.#rules(field).required) return this.#json || !alwaysThere;
    // An empty map is left out by ts-proto.
    return this.#json && sent === true && alwaysThere && field.fieldKind !== 'map';
  }

  #value(field: DescField, rules: FieldRules): JsonSchema {
    switch (field.fieldKind) {
      case 'scalar':
        return this.#scalar(field.scalar, rules, isOptional(field) || field.oneof !== undefined);
      case 'enum':
        return this.#enum(field.enum, rules.required || isOptional(field) || field.oneof !== undefined);
      case 'message':
        return this.#nested(field.message);
      case 'list':
        return {
          type: 'array',
          items: this.#item(field, rules),
          ...(rules.required ? { minItems: 1 } : {}),
          ...(rules.maxItems === undefined ? {} : { maxItems: rules.maxItems }),
        };
      case 'map':
        return {
          type: 'object',
          additionalProperties: this.#item(field, rules),
          ...(rules.required ? { minProperties: 1 } : {}),
          ...(rules.maxItems === undefined ? {} : { maxProperties: rules.maxItems }),
        };
    }
  }

  #item(field: DescField & { fieldKind: 'list' | 'map' }, rules: FieldRules): JsonSchema {
    if (field.message !== undefined) return this.#nested(field.message);
    if (field.enum !== undefined) return this.#enum(field.enum, true);
    return this.#scalar(field.scalar, { ...rules, required: false }, true);
  }

  #nested(message: DescMessage): JsonSchema {
    if (message.typeName === 'google.protobuf.Timestamp') {
      return this.#json ? { type: 'string', format: 'date-time' } : { instant: true };
    }
    const { reference } = this.#options;
    return reference === undefined ? this.message(message) : { $ref: reference(message) };
  }

  #enum(type: DescEnum, specified: boolean): JsonSchema {
    const names = specifiedValues(type).map(({ name }) => name);
    return {
      type: 'string',
      enum: this.#json || (specified && this.#options.rules) ? names : ['UNSPECIFIED', ...names],
    };
  }

  /** @param present Whether an empty string counts as a value: an item of a list, or a field that knows whether it is there. */
  #scalar(type: ScalarType, rules: FieldRules, present: boolean): JsonSchema {
    switch (type) {
      case ScalarType.STRING:
        return this.#string(rules, present || rules.required);
      case ScalarType.BOOL:
        return { type: 'boolean' };
      case ScalarType.BYTES:
        // In memory they are an array of bytes, of which JSON Schema knows nothing.
        return this.#json ? { type: 'string', contentEncoding: 'base64' } : {};
      case ScalarType.UINT32:
        return { type: 'integer', minimum: rules.minimum ?? 0, maximum: rules.maximum ?? 0xffff_ffff };
      case ScalarType.INT32:
        return { type: 'integer', minimum: rules.minimum ?? -0x8000_0000, maximum: rules.maximum ?? 0x7fff_ffff };
      case ScalarType.DOUBLE:
      case ScalarType.FLOAT:
        return { type: 'number', ...given('minimum', rules.minimum), ...given('maximum', rules.maximum) };
      default:
        throw new Error(`scalar type ${ScalarType[type]} is outside the subset`);
    }
  }

  #string({ required, minLength, maxLength, pattern }: FieldRules, strict: boolean): JsonSchema {
    const least = minLength ?? (required ? 1 : undefined);
    const length = strict || least === undefined ? given('minLength', least) : emptyOrAtLeast(least);
    return {
      type: 'string',
      ...length,
      ...given('maxLength', maxLength),
      ...(pattern === undefined ? {} : { pattern: strict ? `^(?:${pattern})$` : `^(?:${pattern})?$` }),
      ...(this.#json ? (this.#options.rules ? storableBeside(pattern) : {}) : { text: true }),
    };
  }

  #rules(field: DescField): FieldRules {
    return this.#options.rules ? this.#contracts.rules(field) : { required: false };
  }

  #description(described: DescField | DescMessage): JsonSchema {
    if (this.#options.described !== true) return {};
    const description = this.#contracts.comment(described);
    if (described.kind !== 'field' || described.enum === undefined) return { description };
    const meanings = specifiedValues(described.enum).map(
      (value) => `- \`${value.name}\`: ${this.#contracts.comment(value)}`,
    );
    return { description: `${description}\n\n${meanings.join('\n')}` };
  }
}

/** Whether a message is nothing but one choice, of which exactly one is set. */
function isChoice(message: DescMessage): boolean {
  return message.oneofs.length === 1 && message.fields.every(({ oneof }) => oneof !== undefined);
}

function specifiedValues(type: DescEnum): DescEnumValue[] {
  return type.values.filter(({ number }) => number !== 0);
}

function isOptional(field: DescField): boolean {
  return field.proto.proto3Optional;
}

function given(keyword: string, value: unknown): JsonSchema {
  return value === undefined ? {} : { [keyword]: value };
}

/** A pattern that shuts characters out would let NUL in. */
function storableBeside(pattern: string | undefined): JsonSchema {
  if (pattern === undefined) return { pattern: storable };
  return pattern.includes('[^') ? { allOf: [{ pattern: storable }] } : {};
}

function emptyOrAtLeast(least: number): JsonSchema {
  return { anyOf: [{ maxLength: 0 }, { minLength: least }] };
}
