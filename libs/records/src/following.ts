import type { Db, Document, FindOptions, Timestamp } from 'mongodb';
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
   * final soon. To be asked again and again while landmarks are pending. @throws when the database's clock stands before the place.
   */
  late(): Promise<readonly WrittenDocument[]>;
  /** Single aggregates once more, as far as they have been handed out; those that are not there are left out. */
  again(collection: string, ids: readonly string[]): Promise<readonly WrittenDocument[]>;
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
  readonly at: number;
  /** Milliseconds until every write with an instant before the place is in the log. */
  millisecondsLeft: number;
  /** How far the log went then: when that is visible, so is all that can be before the place. */
  logUpTo?: Timestamp;
}

/**
 * A server gives a write its instant and a place in its log one right after the other, and no write of ours takes longer than
 * `readTime`. So much later the log has all that have an earlier instant; once it is visible as far as it then goes, they are.
 */
const SETTLES_AFTER = 5 * readTime;
/** In this time the server has answered so many times at least: one that stood still is not taken for a quiet one. */
const ANSWERS = 4;

/** How what is written is read. */
export interface FollowingOptions {
  /** Milliseconds after which every write has its place in the log; 10,000 unless a test is in a hurry. */
  readonly settlesAfter?: number;
  readonly fields?: Fields;
}

/** Begins to follow these collections behind a place. Reads nothing yet; closed by whoever began it. */
export function following<Note>(
  database: Db,
  collections: readonly string[],
  from: Place,
  { settlesAfter = SETTLES_AFTER, fields = {} }: FollowingOptions = {},
): Following<Note> {
  const session = database.client.startSession({ causalConsistency: true });
  /** Up to where each kind has been handed out. */
  const handedOut = new Map(collections.map((name) => [name, from[name] ?? beginning]));
  /** The instants of what has been handed out and is not final. */
  const known = new Map(collections.map((name) => [name, instants()]));
  const landmarks: Landmark<Note>[] = [];
  let answeredAt = performance.now();
  let placesOfLastLooks: readonly [Place, Place] = [from, from];
  let final = placeNow();
  /** Everything before it that is visible has been looked at. */
  let looked: Landmark<Note> | undefined;
  /** And what was written anew during that look has been handed out, or is found by the next look. */
  let readSince: Landmark<Note> | undefined;
  let settled: Landmark<Note> | undefined;

  /** What this process does not know keeps its place: another release of the service may. */
  function placeNow(): Place {
    return { ...from, ...Object.fromEntries(handedOut) };
  }

  function find(name: string, written: Document, more: FindOptions): Promise<RecordDocument[]> {
    const options = { hint: writtenIndex.name, maxTimeMS: readTime, ...more };
    return database.collection<RecordDocument>(name).find({ written }, options).toArray();
  }

  function handOut(name: string, document: RecordDocument): WrittenDocument {
    if (document.written !== undefined) known.get(name)?.add(document.written);
    return writtenDocument(name, document);
  }

  /** What is not known of a kind between two instants; whole, unless something of it has been written anew meanwhile. */
  async function unknownOf(
    name: string,
    after: Timestamp,
    upTo: Timestamp,
  ): Promise<{ documents: WrittenDocument[]; whole: boolean }> {
    // From the index alone: no document is opened.
    const there = await find(name, { $gt: after, $lte: upTo }, { session, projection: { _id: 0, written: 1 } });
    const unknown = there.flatMap(({ written }) =>
      written === undefined || known.get(name)?.has(written) ? [] : [written],
    );
    if (unknown.length === 0) return { documents: [], whole: true };
    const found = await find(name, { $in: unknown }, { session, projection: projectionOf(fields[name]) });
    return { documents: found.map((one) => handOut(name, one)), whole: found.length === unknown.length };
  }

  /** The server has answered: time goes on for the landmarks, and when it is over the server's clock is noted. */
  function answered(): void {
    const clock = session.clusterTime?.clusterTime;
    const now = performance.now();
    for (const landmark of landmarks) {
      const since = Math.max(answeredAt, landmark.at);
      landmark.millisecondsLeft -= Math.min(now - since, settlesAfter / ANSWERS);
      if (landmark.millisecondsLeft <= 0 && clock !== undefined) landmark.logUpTo ??= clock;
    }
    answeredAt = now;
    for (const [name, place] of handedOut) {
      if (clock?.lessThan(place)) {
        throw new Error(`the clock of the database stands before what was written to ${name}: has it been restored?`);
      }
    }
  }

  return {
    get place() {
      return placeNow();
    },
    get final() {
      return final;
    },

    async *news(atATime) {
      const before = looked;
      const read = (name: string, after: Timestamp): Promise<RecordDocument[]> => {
        const projection = projectionOf(fields[name]);
        const atOnce = { limit: atATime, batchSize: atATime };
        const reading = find(name, { $gt: after }, { sort: { written: 1 }, ...atOnce, projection });
        // Its failure is met by whoever awaits it; until then nobody else may see it as unhandled.
        reading.catch(() => undefined);
        return reading;
      };
      let kinds = [...handedOut].map(([name, place]) => ({ name, next: read(name, place) }));
      try {
        while (kinds.length > 0) {
          // Each kind in turn, so that none has to wait for all of another.
          for (const kind of kinds) {
            const { name } = kind;
            const found = await kind.next;
            const last = found.at(-1)?.written;
            // Fewer than asked for are the last.
            if (found.length < atATime || last === undefined) kinds = kinds.filter((other) => other !== kind);
            else kind.next = read(name, last);
            if (last === undefined) continue;
            handedOut.set(name, last);
            yield found.map((document) => handOut(name, document));
          }
        }
        readSince = before ?? readSince;
      } finally {
        await Promise.allSettled(kinds.map(({ next }) => next));
      }
    },

    async late() {
      // The session sees to it that the reads show at least this.
      const visible = session.operationTime;
      const landmark = landmarks.findLast(
        ({ logUpTo }) => visible !== undefined && logUpTo?.lessThanOrEqual(visible) === true,
      );
      const place = placeNow();
      const [since] = placesOfLastLooks;
      const found: WrittenDocument[] = [];
      let allWhole = true;
      for (const [name, upTo] of handedOut) {
        // The older ones first: what is written anew between the two questions is among the recent ones.
        if (landmark !== undefined) {
          const lookedTo = (looked?.place ?? final)[name] ?? beginning;
          const older = await unknownOf(name, lookedTo, landmark.place[name] ?? beginning);
          found.push(...older.documents);
          allWhole &&= older.whole;
        }
        const recent = await unknownOf(name, since[name] ?? beginning, upTo);
        found.push(...recent.documents);
      }
      settled = readSince ?? settled;
      readSince = undefined;
      if (allWhole) looked = landmark ?? looked;
      placesOfLastLooks = [placesOfLastLooks[1], place];
      answered();
      return found;
    },

    async again(name, ids) {
      const options = { session, projection: projectionOf(fields[name]), maxTimeMS: readTime };
      const found = await database
        .collection<RecordDocument>(name)
        .find({ _id: { $in: [...ids] } }, options)
        .toArray();
      const upTo = placeNow();
      return found.map((document) => writtenDocument(name, document, { upTo }));
    },

    landmark(note) {
      landmarks.push({ place: placeNow(), note, at: performance.now(), millisecondsLeft: settlesAfter });
    },

    get pending() {
      return landmarks.length > 0;
    },

    advance() {
      if (settled === undefined) return undefined;
      const { place, note } = settled;
      landmarks.splice(0, landmarks.indexOf(settled) + 1);
      if (looked === settled) looked = undefined;
      settled = undefined;
      final = place;
      for (const [name, its] of known) its.forgetBefore(place[name] ?? beginning);
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
