import { events } from '@bandeng/contracts';
import type { DomainEvent } from '@bandeng/decider';
import { aggregateKey, type Entry, type WrittenDocument } from '@bandeng/records';
import { MAX_BATCH, type Outgoing } from './batches.ts';
import { encodeData } from './catalogue.ts';
import { cloudEvent, MAX_EVENT_BYTES } from './cloudevents.ts';
import type { Publishing } from './publications.ts';
import { eventSubject } from './subjects.ts';

/** What goes out together. */
export interface PlannedBatch {
  readonly messages: readonly Outgoing[];
  /** By `aggregateKey`, whose entries these are. */
  readonly aggregates: ReadonlySet<string>;
}

/** An aggregate that cannot be published now, for a fault of ours. Its earlier entries are, its later ones wait. */
export interface Stuck {
  readonly collection: string;
  readonly id: string;
  readonly seq: number;
  readonly fault: unknown;
}

/** What goes out, in order, and what cannot. */
export interface Plan {
  readonly batches: readonly PlannedBatch[];
  readonly stuck: readonly Stuck[];
}

/** What the making of events of one service needs to know. */
export interface PlanContext {
  readonly service: string;
  readonly publishings: ReadonlyMap<string, Publishing>;
  /** Code for what has no territory. */
  readonly city: string;
  /** Up to which seq an aggregate has been told already. */
  toldUpTo(document: WrittenDocument): number;
  readonly maxBytes?: number;
}

/** Bytes in one batch, so that one does not hold up the server. */
export const MAX_BATCH_BYTES = 4 * 1024 * 1024;

/** What of these documents goes out, in which order: each aggregate's entries by seq, in as few batches as possible. */
export function plan(documents: readonly WrittenDocument[], context: PlanContext): Plan {
  const batches: PlannedBatch[] = [];
  const stuck: Stuck[] = [];
  let messages: Outgoing[] = [];
  let aggregates = new Set<string>();
  let bytes = 0;
  const cut = (): void => {
    if (messages.length > 0) batches.push({ messages, aggregates });
    messages = [];
    aggregates = new Set();
    bytes = 0;
  };
  // What was written while it was read may be there twice, the second time further on.
  const upTo = new Map<string, number>();
  for (const document of documents) {
    const { collection, id, key } = document;
    const told = Math.max(context.toldUpTo(document), upTo.get(key) ?? 0);
    upTo.set(key, Math.max(told, document.version));
    for (let seq = told + 1; seq <= document.version; seq += 1) {
      let message: Outgoing | undefined;
      try {
        const entry = document.entry(seq);
        if (entry === undefined) throw new Error('the history does not have it');
        message = outgoing(document, entry, context);
      } catch (fault) {
        stuck.push({ collection, id, seq, fault });
        upTo.set(key, Number.POSITIVE_INFINITY);
        break;
      }
      if (message !== undefined) {
        if (messages.length === MAX_BATCH || bytes + message.payload.length > MAX_BATCH_BYTES) cut();
        messages.push(message);
        aggregates.add(key);
        bytes += message.payload.length;
      }
    }
  }
  cut();
  return { batches, stuck };
}

/** The message of an entry; undefined when nobody is to be told. Throws when it should be one and cannot. */
export function outgoing(
  document: WrittenDocument,
  entry: Entry<DomainEvent>,
  context: Omit<PlanContext, 'toldUpTo'>,
): Outgoing | undefined {
  const publishing = context.publishings.get(document.collection);
  if (publishing === undefined) throw new Error(`no publications for ${document.collection}`);
  const event = publicEventOf(publishing, entry, document);
  if (event === 'private') return undefined;
  const { type, service } = events[event.event];
  if (service !== context.service) throw new Error(`${type} is not an event of ${context.service}`);
  const territory = event.territory === '' ? context.city : event.territory;
  const made = cloudEvent(entry, {
    service,
    type,
    aggregate: document.id,
    data: encodeData(event.event, event.data),
    territory,
    previous: previousPublic(document, entry.seq, publishing),
  });
  const payload = Buffer.from(JSON.stringify(made));
  const limit = context.maxBytes ?? MAX_EVENT_BYTES;
  if (payload.length > limit) throw new RangeError(`an event of ${payload.length} bytes, at most ${limit} are allowed`);
  return {
    subject: eventSubject(service, event.event, territory),
    payload,
    id: entry.id,
    collection: document.collection,
    traceparent: made.traceparent,
  };
}

/** The public event that an entry becomes; what was silent has never been told. */
function publicEventOf(publishing: Publishing, entry: Entry<DomainEvent>, document: WrittenDocument) {
  return entry.silent === true ? 'private' : publishing.of(entry, document);
}

/** The seq of the last public entry before, as far as the history in the document goes. */
function previousPublic(document: WrittenDocument, seq: number, publishing: Publishing): number | undefined {
  for (let before = seq - 1; before > 0; before -= 1) {
    const entry = document.entry(before);
    if (entry === undefined) return undefined;
    if (publicEventOf(publishing, entry, document) !== 'private') return before;
  }
  return undefined;
}

/** Of which aggregate a message in the stream tells, and up to which seq; undefined for what is not ours. */
export function toldBy(
  collection: string | undefined,
  eventId: string | undefined,
): { readonly key: string; readonly upTo: number } | undefined {
  const colon = eventId?.lastIndexOf(':') ?? -1;
  if (collection === undefined || eventId === undefined || colon < 1) return undefined;
  const upTo = Number(eventId.slice(colon + 1));
  if (!Number.isSafeInteger(upTo) || upTo < 1) return undefined;
  return { key: aggregateKey(collection, eventId.slice(0, colon)), upTo };
}
