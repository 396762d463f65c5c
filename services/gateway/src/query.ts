/**
 * Query parameters of GET routes: text becomes the proto JSON that the contract names, strictly. Whether the value fits (an
 * enum's name, an instant) is judged afterwards, as for a body, by the schema of the message.
 */
import { ScalarType } from '@bufbuild/protobuf';
import { type FieldProblem, fault } from './problems.ts';
import type { MessageShape } from './routes.ts';

/** What one parameter may hold. */
interface Parameter {
  readonly repeated: boolean;
  /** The value in proto JSON; undefined when the text is not of this type. */
  read(text: string): unknown;
  readonly wish: string;
}

/** The parameters of a route by name. */
export type Parameters = ReadonlyMap<string, Parameter>;

/**
 * The parameters of a GET: each field of the request that is no path variable; none without a message. Anything but scalars,
 * enums and timestamps fails.
 */
export function parametersOf(request: MessageShape | undefined, variables: readonly string[]): Parameters {
  const bound = (request?.fields ?? []).filter(({ jsonName }) => !variables.includes(jsonName));
  return new Map(bound.map((field) => [field.jsonName, parameterOf(field)]));
}

/** Reads the text after the question mark. Values are as in proto JSON. */
export function readQuery(
  text: string,
  parameters: Parameters,
): { readonly values: Record<string, unknown> } | { readonly faults: FieldProblem[] } {
  const values: Record<string, unknown> = {};
  if (text === '') return { values };
  const faults: FieldProblem[] = [];
  const found = new Map<string, unknown[]>();
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decoded(equals < 0 ? pair : pair.slice(0, equals));
    const value = decoded(equals < 0 ? '' : pair.slice(equals + 1));
    const parameter = name === undefined ? undefined : parameters.get(name);
    if (name === undefined || parameter === undefined) {
      faults.push(fault(name ?? '', 'unknown', 'There is no such parameter.'));
    } else if (value === undefined) {
      faults.push(fault(name, 'utf8', 'The value is not percent-encoded UTF-8.'));
    } else if (!parameter.repeated && found.has(name)) {
      faults.push(fault(name, 'duplicate', 'The parameter is given more than once.'));
    } else {
      const read = parameter.read(value);
      if (read === undefined) faults.push(fault(name, 'type', `Must be ${parameter.wish}.`));
      found.set(name, [...(found.get(name) ?? []), read]);
    }
  }
  if (faults.length > 0) return { faults };
  for (const [name, given] of found) values[name] = parameters.get(name)?.repeated ? given : given[0];
  return { values };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

type Field = MessageShape['fields'][number];

function parameterOf(field: Field): Parameter {
  const repeated = field.fieldKind === 'list';
  const kind = repeated ? field.listKind : field.fieldKind;
  const outside = new Error(`${field.parent.typeName}.${field.name} cannot be a query parameter`);
  const asText = { repeated, read: (text: string) => text, wish: 'text' };
  if (kind === 'enum' || field.message?.typeName === 'google.protobuf.Timestamp') return asText;
  if (kind !== 'scalar') throw outside;
  switch (field.scalar) {
    case ScalarType.STRING:
      return asText;
    case ScalarType.BOOL:
      return { repeated, read: boolean, wish: 'true or false' };
    case ScalarType.UINT32:
      return { repeated, read: uint32, wish: 'a whole number from 0 to 4294967295' };
    default:
      throw outside;
  }
}

function boolean(text: string): boolean | undefined {
  return text === 'true' || text === 'false' ? text === 'true' : undefined;
}

function uint32(text: string): number | undefined {
  if (!/^(0|[1-9][0-9]{0,9})$/.test(text)) return undefined;
  const value = Number(text);
  return value <= 0xffff_ffff ? value : undefined;
}

/** Parameters of a route that is no RPC: text each. */
export function textParameters(names: readonly string[]): Parameters {
  return new Map(names.map((name) => [name, { repeated: false, read: (text: string) => text, wish: 'text' }]));
}
