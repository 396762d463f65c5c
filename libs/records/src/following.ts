import type { Db, Document, Timestamp } from 'mongodb';
import type { RecordDocument } from './documents.ts';
import { readTime } from './mongo.ts';
import {
  beginning,
  type Fields,
  type Place,
  projectionOf,
  type WrittenDocument,
  writtenDocument,
  writtenIndex,
} from './written.ts';

/**
 * Reads what is written, in the order of writing. Of two writes at the same time the one with the earlier instant may be seen
 * later, by milliseconds as a rule: therefore it looks back, and says from which place on nothing can turn up any more.
 */
export interface Following<Note = unknown> {
  /** Up to where everything that was to be seen has been read. */
  readonly place: Place;
  /** Up to where nothing can turn up any more. */
  readonly final: Place;
  /** What has been written since, so many at a time of each kind; the next are under way while these are worked on. */
  news(atATime: number): AsyncGenerator<readonly WrittenDocument[], void>;
  /**
   * What has turned up behind the place: among what was read since the look before the last, and before the landmark that can be
   * final then. To be asked again and again while landmarks are pending.
   */
  late(): Promise<readonly WrittenDocument[]>;
  /** Remembers that everything up to the place is dealt with, and a note to go with that. */
  landmark(note: Note): void;
  /** Whether there are landmarks that are not final yet. */
  readonly pending: boolean;
  /** Moves `final` to the last landmark that can be, and answers its note; what turned up late is dealt with before. */
  advance(): Note | undefined;
  close(): Promise<void>;
}

interface Landmark<Note> {
  readonly place: Place;
  readonly note: Note;
  /** Milliseconds until every write with an instant before the place is in the log. */
  left: number;
  /** What is visible when this instant is, is all that can be before the place. */
  needs?: Timestamp;
}

/**
 * A server gives a write its instant and a place in its log one right after the other, and no write of ours takes longer than
 * `readTime`. So much later the log has all that have an earlier instant; once it is visible as far as it then goes, they are.
 */
const SETTLES_AFTER = 5 * readTime;
/** In this time the server has answered so many times at least: one that stood still is not taken for a quiet one. */
const ANSWERS = 4;

export interface FollowingOptions {
  /** Milliseconds after which every write has its place in the log; 10,000 unless a test is in a hurry. */
  readonly settlesAfter?: number;
  readonly fields?: Fields;
}

export function following<Note>(
  database: Db,
  collections: readonly string[],
  from: Place,
  { settlesAfter = SETTLES_AFTER, fields = {} }: FollowingOptions = {},
): Following<Note> {
  const session = database.client.startSession({ causalConsistency: true });
  const place = new Map(collections.map((name) => [name, from[name] ?? beginning]));
  /** The instants of what has been read and is not final. */
  const known = new Map(collections.map((name) => [name, instants()]));
  const seenOf = (name: string): Timestamp => place.get(name) ?? beginning;
  const options = { hint: writtenIndex.name, maxTimeMS: readTime };
  const landmarks: Landmark<Note>[] = [];
  let answeredAt = performance.now();
  let looks: readonly [Place, Place] = [from, from];
  let final: Place = Object.fromEntries(place);
  let settled: Landmark<Note> | undefined;

  function take(name: string, document: Document): WrittenDocument {
    known.get(name)?.add(document.written);
    return writtenDocument(name, document);
  }

  async function* newsOf(name: string, atATime: number): AsyncGenerator<readonly WrittenDocument[], void> {
    const cursor = database
      .collection<RecordDocument>(name)
      .find(
        { written: { $gt: seenOf(name) } },
        { ...options, sort: { written: 1 }, batchSize: atATime, projection: projectionOf(fields[name]) },
      );
    const read = async (): Promise<Document[]> => {
      const first = await cursor.next();
      return first === null ? [] : [first, ...cursor.readBufferedDocuments(atATime - 1)];
    };
    let next = read();
    try {
      for (;;) {
        const found = await next;
        const last = found.at(-1);
        if (last === undefined) return;
        // Fewer than asked for were the last.
        next = found.length < atATime ? Promise.resolve([]) : read();
        // Its failure is met by the next await; until then nobody else may see it as unhandled.
        next.catch(() => undefined);
        const documents = found.map((document) => take(name, document));
        place.set(name, last.written);
        yield documents;
      }
    } finally {
      await next.catch(() => undefined);
      await cursor.close();
    }
  }

  /** What is not known of a kind between two instants. */
  async function unknownOf(name: string, after: Timestamp, upTo: Timestamp): Promise<WrittenDocument[]> {
    const collection = database.collection<RecordDocument>(name);
    const seen = known.get(name);
    const range = { written: { $gt: after, $lte: upTo } };
    const unknown: Timestamp[] = [];
    // From the index alone: no document is opened.
    const there = await collection.find(range, { ...options, session, projection: { _id: 0, written: 1 } }).toArray();
    for (const { written } of there) if (written !== undefined && !seen?.has(written)) unknown.push(written);
    if (unknown.length === 0) return [];
    const found = await collection
      .find({ written: { $in: unknown } }, { ...options, session, projection: projectionOf(fields[name]) })
      .toArray();
    return found.map((document) => take(name, document));
  }

  /** The server has answered: time goes on for the landmarks, and when it is over its clock is noted. */
  function answered(): void {
    const clock = session.clusterTime?.clusterTime;
    const passed = Math.min(performance.now() - answeredAt, settlesAfter / ANSWERS);
    answeredAt = performance.now();
    for (const landmark of landmarks) {
      landmark.left -= passed;
      if (landmark.left <= 0 && clock !== undefined) landmark.needs ??= clock;
    }
  }

  return {
    get place() {
      return Object.fromEntries(place);
    },
    get final() {
      return final;
    },
    news: (atATime) => together(collections.map((name) => newsOf(name, atATime))),

    async late() {
      // The session sees to it that the reads show at least this.
      const visible = session.operationTime;
      const seen = landmarks.findLast(({ needs }) => visible !== undefined && needs?.lessThanOrEqual(visible));
      const found: WrittenDocument[] = [];
      const looking = Object.fromEntries(place);
      const [since] = looks;
      for (const [name, read] of place) {
        const from = final[name] ?? beginning;
        if (seen !== undefined) found.push(...(await unknownOf(name, from, seen.place[name] ?? beginning)));
        found.push(...(await unknownOf(name, since[name] ?? beginning, read)));
      }
      settled = seen ?? settled;
      looks = [looks[1], looking];
      answered();
      return found;
    },

    landmark(note) {
      landmarks.push({ place: Object.fromEntries(place), note, left: settlesAfter });
    },

    get pending() {
      return landmarks.length > 0;
    },

    advance() {
      if (settled === undefined) return undefined;
      const { place: reached, note } = settled;
      landmarks.splice(0, landmarks.indexOf(settled) + 1);
      settled = undefined;
      final = reached;
      for (const [name, seen] of known) seen.forgetBefore(reached[name] ?? beginning);
      return note;
    },

    close: () => session.endSession(),
  };
}

/** A set of instants, by seconds. */
function instants() {
  const seconds = new Map<number, Set<number>>();
  return {
    add({ t, i }: Timestamp): void {
      const counted = seconds.get(t);
      if (counted === undefined) seconds.set(t, new Set([i]));
      else counted.add(i);
    },
    has: ({ t, i }: Timestamp): boolean => seconds.get(t)?.has(i) === true,
    /** Those of the last second may stay. */
    forgetBefore({ t }: Timestamp): void {
      for (const second of seconds.keys()) if (second < t) seconds.delete(second);
    },
  };
}

/** Each kind in turn, so that none has to wait for all of another. */
async function* together<Thing>(sources: readonly AsyncGenerator<Thing, void>[]): AsyncGenerator<Thing, void> {
  let left = sources.map((source) => ({ source, next: source.next() }));
  for (const { next } of left) next.catch(() => undefined);
  try {
    while (left.length > 0) {
      for (const one of left) {
        const { done, value } = await one.next;
        if (done !== true) yield value;
        if (done === true) left = left.filter((other) => other !== one);
        else one.next = one.source.next();
        one.next.catch(() => undefined);
      }
    }
  } finally {
    await Promise.allSettled(left.map(({ source }) => source.return()));
  }
}
