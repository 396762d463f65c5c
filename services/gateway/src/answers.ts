/** How a response message becomes what a client reads. */
import { ScalarType } from '@bufbuild/protobuf';
import type { MessageShape } from './routes.ts';

/**
 * Brings a decoded message into the form in which `JSON.stringify` writes it as proto JSON, in its place: without a copy of
 * everything, which the codec's `toJSON` makes. Left out is what is never sent: enum values that say nothing or that this version
 * does not know.
 */
export type JsonForm = (message: object) => void;

type Holder = Record<string, unknown>;
type Field = MessageShape['fields'][number];

const nothing = new Set<unknown>(['UNSPECIFIED', 'UNRECOGNIZED']);
const unchanged: JsonForm = () => {};

/** The form of messages of a type; made once, for it is brought to every answer. */
export function jsonFormOf(shape: MessageShape): JsonForm {
  return compile(shape, new Map()) ?? unchanged;
}

/** Undefined when messages of the type are in their form as they are. Message types of the contracts are not recursive. */
function compile(shape: MessageShape, known: Map<string, JsonForm | undefined>): JsonForm | undefined {
  if (known.has(shape.typeName)) return known.get(shape.typeName);
  known.set(shape.typeName, undefined);
  const steps = [
    ...shape.fields.filter(({ oneof }) => oneof === undefined).map((field) => stepFor(field, known)),
    ...shape.oneofs.map((oneof) => choiceStep(oneof, known)),
  ].filter((step) => step !== undefined);
  const form =
    steps.length === 0
      ? undefined
      : (message: object) => {
          for (const step of steps) step(message as Holder);
        };
  known.set(shape.typeName, form);
  return form;
}

type Step = (message: Holder) => void;

function stepFor(field: Field, known: Map<string, JsonForm | undefined>): Step | undefined {
  const name = field.localName;
  const formed = valueForm(field, known);
  if (formed === undefined) return undefined;
  if (field.fieldKind === 'list') {
    return (message) => {
      const list = message[name];
      if (Array.isArray(list)) message[name] = list.map(formed).filter((item) => item !== undefined);
    };
  }
  if (field.fieldKind === 'map') {
    return (message) => {
      for (const [key, value] of Object.entries(Object(message[name]))) Object(message[name])[key] = formed(value);
    };
  }
  return (message) => {
    const value = message[name];
    if (value !== undefined) message[name] = formed(value);
  };
}

/** In memory a choice is one field with a name of its own; in JSON the chosen field stands among the others. */
function choiceStep(oneof: MessageShape['oneofs'][number], known: Map<string, JsonForm | undefined>): Step {
  const forms = new Map(oneof.fields.map((field) => [field.localName, valueForm(field, known)]));
  return (message) => {
    const chosen = message[oneof.localName] as { $case: string; value: unknown } | undefined;
    if (chosen === undefined) return;
    message[oneof.localName] = undefined;
    const formed = forms.get(chosen.$case);
    message[chosen.$case] = formed === undefined ? chosen.value : formed(chosen.value);
  };
}

/** What one value of a field becomes; undefined when it stays as it is. */
function valueForm(field: Field, known: Map<string, JsonForm | undefined>): ((value: unknown) => unknown) | undefined {
  if (field.enum !== undefined) return (value) => (nothing.has(value) ? undefined : value);
  if (field.scalar === ScalarType.BYTES) return (value) => (value instanceof Uint8Array ? base64(value) : value);
  // An instant is a Date, which writes itself.
  if (field.message === undefined || field.message.typeName === 'google.protobuf.Timestamp') return undefined;
  const inside = compile(field.message, known);
  if (inside === undefined) return undefined;
  return (value) => {
    if (typeof value === 'object' && value !== null) inside(value);
    return value;
  };
}

function base64({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}
