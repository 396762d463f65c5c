import type { PublishedEntry } from '@bandeng/records';
import { ID_HEADER } from './batches.ts';
import type { Bus } from './bus.ts';
import { outgoing } from './plan.ts';
import type { Publishing } from './publications.ts';
import { readStream, streamState } from './streams.ts';
import { streamOf } from './subjects.ts';

/** Whether a stream has what the histories say it has. */
export interface Holes {
  /** Public entries that were looked for. */
  readonly entries: number;
  /** Ids of entries without a message, the first of them. */
  readonly missing: readonly string[];
  readonly missingCount: number;
  /** Ids of entries with more than one. */
  readonly doubled: readonly string[];
  /** Entries of which no event can be made. */
  readonly faults: readonly string[];
}

/** Which entries of which service are looked for in its stream. */
export interface HolesOptions {
  readonly service: string;
  readonly bus: Bus;
  readonly publishings: readonly Publishing[];
  /** Code for events that concern no territory. */
  readonly city: string;
  /** What is looked for: all that is published, or a sample. */
  readonly published: AsyncIterable<readonly PublishedEntry[]> | Iterable<readonly PublishedEntry[]>;
  /** All of it: the whole stream is read, not only the subjects of what is looked for. */
  readonly all: boolean;
}

const MOST_NAMED = 20;

/** Looks for the messages of published entries. Changes nothing. Throws while NATS is away or when there is no stream. */
export async function findHoles(options: HolesOptions): Promise<Holes> {
  const { service, bus, city } = options;
  const connection = bus.connection();
  if (connection === undefined) throw new Error('NATS is away');
  const stream = streamOf(service);
  if ((await streamState(connection, stream)) === undefined) throw new Error(`there is no stream ${stream}`);
  const publishings = new Map(options.publishings.map((one) => [one.collection, one]));
  const wanted = new Map<string, { readonly at: string; times: number }>();
  const subjects = new Set<string>();
  const faults: string[] = [];
  for await (const entries of options.published) {
    for (const { document, entry } of entries) {
      try {
        const message = outgoing(document, entry, { service, publishings, city });
        if (message === undefined) continue;
        wanted.set(message.id, { at: entry.at, times: 0 });
        subjects.add(message.subject);
      } catch {
        faults.push(entry.id);
      }
    }
  }
  // Only now, so that what counts as published is in what is read.
  const state = await streamState(connection, stream);
  if (state === undefined) throw new Error(`stream ${stream} has been deleted`);
  if (wanted.size > 0) {
    const messages = readStream(connection, stream, {
      from: Math.max(1, state.first),
      to: state.last,
      headersOnly: true,
      ...(options.all ? {} : { subjects: [...subjects] }),
    });
    for await (const message of messages) {
      const found = wanted.get(message.header(ID_HEADER) ?? '');
      if (found !== undefined) found.times += 1;
    }
  }
  // What is older than the first message that is left has aged out.
  const aged = (at: string): boolean => state.first > 1 && Date.parse(at) <= Date.parse(state.firstAt);
  const missing = [...wanted].filter(([, { at, times }]) => times === 0 && !aged(at)).map(([id]) => id);
  const doubled = [...wanted].filter(([, { times }]) => times > 1).map(([id]) => id);
  return {
    entries: wanted.size,
    missing: missing.slice(0, MOST_NAMED),
    missingCount: missing.length,
    doubled: doubled.slice(0, MOST_NAMED),
    faults: faults.slice(0, MOST_NAMED),
  };
}
