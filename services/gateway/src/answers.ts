/** How a response message becomes what a client reads. */
import type { MessageShape } from './routes.ts';

/** Takes from a decoded message what is never sent: enum values that say nothing or that this version does not know. */
export type Omission = (message: object) => void;

type Holder = Record<string, unknown>;

const nothing = new Set<unknown>(['UNSPECIFIED', 'UNRECOGNIZED']);

/** The omission for messages of a type; made once, for it is run on every answer. */
export function omissionOf(shape: MessageShape): Omission {
  return compile(shape, new Map()) ?? (() => {});
}

/** Undefined when there is no enum in the message or below it. Message types of the contracts are not recursive. */
function compile(shape: MessageShape, known: Map<string, Omission | undefined>): Omission | undefined {
  if (known.has(shape.typeName)) return known.get(shape.typeName);
  known.set(shape.typeName, undefined);
  const steps = shape.fields.flatMap((field) => stepFor(field, known) ?? []);
  const omission =
    steps.length === 0
      ? undefined
      : (message: object) => {
          for (const step of steps) step(message as Holder);
        };
  known.set(shape.typeName, omission);
  return omission;
}

type Step = (message: Holder) => void;

function stepFor(field: MessageShape['fields'][number], known: Map<string, Omission | undefined>): Step | undefined {
  const name = field.localName;
  const inside = field.message === undefined ? undefined : compile(field.message, known);
  if (field.oneof !== undefined) return oneofStep(field.oneof.localName, name, field.enum !== undefined, inside);
  if (field.fieldKind === 'enum') {
    return (message) => {
      if (nothing.has(message[name])) message[name] = undefined;
    };
  }
  if (field.fieldKind === 'list' && field.listKind === 'enum') {
    return (message) => {
      message[name] = listOf(message[name]).filter((item) => !nothing.has(item));
    };
  }
  if (inside === undefined || field.fieldKind === 'map') return undefined;
  return (message) => {
    if (field.fieldKind === 'list') for (const item of listOf(message[name])) within(item, inside);
    else within(message[name], inside);
  };
}

function oneofStep(oneof: string, name: string, isEnum: boolean, inside: Omission | undefined): Step | undefined {
  if (!isEnum && inside === undefined) return undefined;
  return (message: Holder) => {
    const chosen = message[oneof] as { $case: string; value: unknown } | undefined;
    if (chosen?.$case !== name) return;
    if (isEnum && nothing.has(chosen.value)) message[oneof] = undefined;
    if (inside !== undefined) within(chosen.value, inside);
  };
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function within(value: unknown, inside: Omission): void {
  if (typeof value === 'object' && value !== null) inside(value);
}
