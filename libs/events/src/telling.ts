import {
  aggregateKey,
  type Following,
  type Outbox,
  type Place,
  type StuckAt,
  type WrittenDocument,
} from '@bandeng/records';
import { type Kept, keep } from './kept.ts';
import { type PlanContext, type PlannedBatch, plan, type Stuck } from './plan.ts';
import type { Tenure } from './tenure.ts';

/** What has been told and what is to be told, from where the one before has left off. Whatever goes wrong, it is begun anew. */
export interface Telling {
  /** What may be to be told now: what has been written, what turned up late, what was stuck. */
  documents(): AsyncGenerator<readonly WrittenDocument[], void>;
  /** What of these goes out. It counts as told from now on. */
  plan(documents: readonly WrittenDocument[]): readonly PlannedBatch[];
  /** Whether it is time to keep how far it is; sooner when nothing else is to be done. */
  isToBeKept(busy: boolean): boolean;
  /** Keeps it. All that has been planned is in the stream, which goes up to this sequence. */
  keep(sequence: number): Promise<void>;
  close(): Promise<void>;
}

/** Of what is told, and how far whoever was before came. */
export interface TellingOptions extends Omit<PlanContext, 'toldUpTo'> {
  readonly outbox: Outbox;
  readonly tenure: Tenure;
  readonly kept: Kept;
  /** By `aggregateKey`, up to which seq the stream tells of it behind `kept.sequence`. */
  readonly inStream: ReadonlyMap<string, number>;
  /** Told of an aggregate that cannot be published; it is tried again. */
  stuck(stuck: Stuck): void;
}

interface Note {
  readonly sequence: number;
  /** All that was written before the start has been read. */
  readonly caughtUp: boolean;
}

interface ToldUpTo extends Pick<WrittenDocument, 'collection' | 'written'> {
  readonly upTo: number;
}

interface Held {
  readonly at: StuckAt;
  tryAt: number;
  /** The highest version that was read and left for later. */
  seen: number;
}

/** Documents read at a time. */
const READ = 400;
/** Reads in a row, after which what has turned up behind the place is looked at. */
const MOST_READS = 50;
const LOOK_FOR_LATE_EVERY = 200;
const RETRY_STUCK_AFTER = 30_000;
/** Their names are kept in one document. That so many events cannot be made is a release that must not go on. */
const MOST_STUCK = 10_000;
const KEEP_EVERY = 1_000;
const KEEP_IDLE_EVERY = 250;

/** Begins where the one before has left off. Reads nothing yet. */
export function startTelling(options: TellingOptions): Telling {
  const { outbox, tenure, kept } = options;
  const fields: Record<string, readonly string[]> = {};
  for (const one of options.publishings.values()) if (one.fields !== undefined) fields[one.collection] = one.fields;
  const following: Following<Note> = outbox.follow(kept.final, { fields });
  const told = new Map<string, ToldUpTo>();
  const stuck = new Map<string, Held>();
  for (const at of kept.stuck) stuck.set(aggregateKey(at.collection, at.id), { at, tryAt: 0, seen: 0 });
  const ours = new Set(outbox.collections);
  const unknown = Object.fromEntries(
    Object.keys(kept.final).flatMap((name) => (ours.has(name) ? [] : [[name, kept.unknown?.[name] ?? kept.sequence]])),
  );
  let inStream = options.inStream;
  let sequence = kept.sequence;
  let caughtUp = false;
  let changed = true;
  let keptAt = Number.NEGATIVE_INFINITY;
  // The first look also says whether the database's clock is right.
  let unlooked = true;
  let lookedAt = Number.NEGATIVE_INFINITY;

  function toldUpTo(document: WrittenDocument): number {
    const { key } = document;
    const first = stuck.get(key)?.at.seq ?? document.firstAfter(following.final);
    return Math.max(first - 1, told.get(key)?.upTo ?? 0, inStream.get(key) ?? 0);
  }

  async function* stuckThatAreDue(): AsyncGenerator<readonly WrittenDocument[], void> {
    // Only then is it known how far they have been written.
    if (!caughtUp) return;
    const now = performance.now();
    const due = [...stuck.values()].filter(({ tryAt }) => tryAt < now).slice(0, READ);
    for (const one of due) one.tryAt = now + RETRY_STUCK_AFTER;
    for (const [collection, its] of Map.groupBy(due, ({ at }) => at.collection)) {
      const ids = its.map(({ at }) => at.id);
      yield await following.again(collection, ids);
    }
  }

  function holdUp(key: string, one: Stuck): void {
    const { collection, id, seq } = one;
    const { at, seen = 0 } = stuck.get(key) ?? {};
    const since = at?.since ?? new Date();
    stuck.set(key, { at: { collection, id, seq, since }, tryAt: performance.now() + RETRY_STUCK_AFTER, seen });
    options.stuck(one);
    if (stuck.size > MOST_STUCK) throw new Error(`more than ${MOST_STUCK} aggregates cannot be published`);
  }

  function forget(): void {
    for (const [key, one] of told) if (isWithin(one, following.final)) told.delete(key);
  }

  return {
    async *documents() {
      yield* stuckThatAreDue();
      let reads = 0;
      for await (const documents of following.news(READ)) {
        unlooked = true;
        changed = true;
        const free = documents.filter((document) => {
          const held = stuck.get(document.key);
          if (held !== undefined) held.seen = Math.max(held.seen, document.version);
          return held === undefined;
        });
        if (free.length > 0) yield free;
        reads += 1;
        if (reads === MOST_READS) break;
      }
      caughtUp ||= reads < MOST_READS;
      const now = performance.now();
      if (!(unlooked || following.pending) || lookedAt + LOOK_FOR_LATE_EVERY > now) return;
      unlooked = false;
      lookedAt = now;
      const late = await following.late();
      if (late.length > 0) yield late;
    },

    plan(documents) {
      const planned = plan(documents, { ...options, toldUpTo });
      const held = new Map(planned.stuck.map((one) => [aggregateKey(one.collection, one.id), one]));
      for (const document of documents) {
        const { key } = document;
        const one = held.get(key);
        const upTo = one === undefined ? document.version : one.seq - 1;
        // A server that has just become primary may show less than was seen before.
        if (upTo >= (told.get(key)?.upTo ?? 0)) {
          told.set(key, { collection: document.collection, written: document.written, upTo });
        }
        if (one !== undefined) holdUp(key, one);
        else if (upTo >= Math.max(stuck.get(key)?.at.seq ?? 0, stuck.get(key)?.seen ?? 0)) stuck.delete(key);
      }
      changed = true;
      return planned.batches;
    },

    isToBeKept: (busy) =>
      (changed || following.pending) && keptAt + (busy ? KEEP_EVERY : KEEP_IDLE_EVERY) < performance.now(),

    async keep(reached) {
      keptAt = performance.now();
      const final = following.advance();
      if (final !== undefined) {
        ({ sequence } = final);
        if (final.caughtUp) inStream = new Map([...inStream].filter(([key]) => stuck.has(key)));
        forget();
      }
      if (!changed && final === undefined) return;
      if (changed) following.landmark({ sequence: reached, caughtUp });
      const { created } = kept;
      const now: Kept = {
        ...{ created, sequence, unknown, final: following.final, told: following.place },
        stuck: [...stuck.values()].map(({ at }) => at),
      };
      changed = !(await keep(tenure.lease, now));
    },

    close: () => following.close(),
  };
}

/** Whether nothing of an aggregate was written after a place. */
function isWithin({ collection, written }: ToldUpTo, place: Place): boolean {
  const upTo = place[collection];
  return written === undefined || (upTo !== undefined && !written.greaterThan(upTo));
}
