import { type DataOf, type EventName, type EventType, events } from '@bandeng/contracts';

/** What the lib needs to know of a public event. */
export interface CatalogueEntry {
  readonly name: EventName;
  readonly type: EventType;
  readonly service: string;
  readonly codec: { fromJSON(object: unknown): unknown; toJSON(message: never): unknown };
}

const byType: ReadonlyMap<string, CatalogueEntry> = new Map(
  names().map((name) => [events[name].type, { ...events[name], name }]),
);

function names(): EventName[] {
  return Object.keys(events) as EventName[];
}

/** The event of a type; undefined when the catalogue does not know it. */
export function eventOfType(type: string): CatalogueEntry | undefined {
  return byType.get(type);
}

/** A message of the catalogue as proto JSON. Throws when it is none. */
export function encodeData(event: EventName, message: unknown): unknown {
  return events[event].codec.toJSON(message as never);
}

/** The message of the catalogue in the proto JSON of an event. Throws when it holds what the type cannot hold. */
export function decodeData<N extends EventType>(type: N, data: unknown): DataOf<N> {
  return decoded(type, data) as DataOf<N>;
}

/** As `decodeData`, for a type known only at run time. */
export function decoded(type: string, data: unknown): unknown {
  const event = byType.get(type);
  if (event === undefined) throw new TypeError(`unknown type of event: ${type}`);
  const message = event.codec.fromJSON(data);
  // fromJSON makes an invalid Date of a wrong timestamp, which shows only here.
  event.codec.toJSON(message as never);
  return message;
}
