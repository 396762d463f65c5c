import type { DomainEvent } from '@bandeng/decider';
import { derivedId, type Entry } from '@bandeng/records';

/** CloudEvents 1.0 as structured JSON, with the extensions sequence, previous, territory and distributed tracing. */
export interface CloudEvent<T = unknown> {
  readonly specversion: '1.0';
  /** `<aggregate>:<seq>`, the id of the entry. */
  readonly id: string;
  /** `/bandeng/<service>` */
  readonly source: string;
  /** `bandeng.<service>.<event>.v1` */
  readonly type: string;
  /** Id of the aggregate. */
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly dataschema: string;
  readonly data: T;
  /** The seq of the entry, as a decimal number. */
  readonly sequence: string;
  readonly sequencetype: 'Integer';
  /** The sequence of the last public event of this aggregate before; absent in the first. */
  readonly previous?: string;
  /** Code of the territory it concerns; the city's when it concerns none in particular. */
  readonly territory: string;
  readonly traceparent?: string;
}

/** The content type of a structured CloudEvent. */
export const CLOUD_EVENT_JSON = 'application/cloudevents+json; charset=utf-8';

/** A larger event is neither published nor handled. Public events are facts with ids; 4 kB is a large one. */
export const MAX_EVENT_BYTES = 256 * 1024;

/** The `dataschema` of a type: the `$id` of its JSON Schema. */
export function dataSchemaOf(type: string): string {
  return `urn:bandeng:schema:${type}`;
}

/** What an entry becomes on the bus. `data` is proto JSON. */
export function cloudEvent(
  entry: Pick<Entry<DomainEvent>, 'seq' | 'id' | 'at' | 'trace'>,
  about: {
    readonly service: string;
    readonly type: string;
    readonly aggregate: string;
    readonly data: unknown;
    readonly territory: string;
    readonly previous?: number | undefined;
  },
): CloudEvent {
  const traceparent = traceparentOf(entry);
  return {
    specversion: '1.0',
    id: entry.id,
    source: `/bandeng/${about.service}`,
    type: about.type,
    subject: about.aggregate,
    time: entry.at,
    datacontenttype: 'application/json',
    dataschema: dataSchemaOf(about.type),
    data: about.data,
    sequence: String(entry.seq),
    sequencetype: 'Integer',
    ...(about.previous === undefined ? {} : { previous: String(about.previous) }),
    territory: about.territory,
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}

/** A whole traceparent as it is; a bare trace id with a span id that follows from the entry. */
function traceparentOf(entry: { readonly id: string; readonly trace?: string }): string | undefined {
  const trace = entry.trace ?? '';
  if (/^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/.test(trace)) return trace;
  if (!/^[\da-f]{32}$/.test(trace)) return undefined;
  return `00-${trace}-${derivedId(entry.id).replaceAll('-', '').slice(16)}-01`;
}

/** A message that is no event we can hand on, and why. */
export interface Malformed {
  readonly malformed: string;
}

const TEXTS = ['id', 'source', 'type', 'subject', 'time', 'sequence', 'territory'] as const;

const strictly = new TextDecoder('utf-8', { fatal: true });

/** Reads a message; what is missing or of another shape is named. */
export function parseCloudEvent(bytes: Uint8Array): CloudEvent | Malformed {
  let read: unknown;
  try {
    read = JSON.parse(strictly.decode(bytes));
  } catch {
    return { malformed: 'not JSON in UTF-8' };
  }
  if (typeof read !== 'object' || read === null || Array.isArray(read)) return { malformed: 'not an object' };
  const event: Record<string, unknown> = { ...read };
  if (event.specversion !== '1.0') return { malformed: 'specversion is not 1.0' };
  for (const name of TEXTS) {
    const value = event[name];
    if (typeof value !== 'string' || value === '') return { malformed: `${name} is not a text` };
  }
  if (Number.isNaN(Date.parse(String(event.time)))) return { malformed: 'time is not an instant' };
  if (!/^\d{1,15}$/.test(String(event.sequence))) return { malformed: 'sequence is not a number' };
  const data = event.data;
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return { malformed: 'data is not an object' };
  return asCloudEvent(event);
}

/** The one place where checked JSON gets its type. */
function asCloudEvent(checked: object): CloudEvent {
  return checked as CloudEvent;
}
