import { setTimeout as sleep } from 'node:timers/promises';
import { type DomainEvent, fold, isRefused, type Refused, refuse } from '@bandeng/decider';
import { type Collection, type Db, type Document, Timestamp } from 'mongodb';
import { type Content, contentOf, difference, entryToBson, type Opened, open } from './contents.ts';
import type {
  CommandContext,
  Definition,
  Entry,
  Outcome,
  Prepared,
  RecordDocument,
  Stored,
  Words,
} from './documents.ts';
import { duplicateIndex } from './mongo.ts';
import { isTimeToWeigh, movedOf, weight } from './moved.ts';
import { progressOf } from './progress.ts';
import { fieldsToBson, isInstant, same } from './values.ts';
import { type Held, writingTo } from './writing.ts';
import { firstAfter } from './written.ts';

/** Gathers the facts and makes the command, before each try; may refuse. */
export type Prepare<S, C, E extends DomainEvent, P extends string> = (
  current: Stored<S, E> | undefined,
) => Promise<Prepared<C> | Refused<P>> | Prepared<C> | Refused<P>;

/** The aggregates of one kind. */
export interface Aggregates<S extends object, C, E extends DomainEvent, R extends string> {
  readonly name: string;
  readonly collection: Collection<RecordDocument>;
  readonly definition: Definition<S, C, E, R>;
  /**
   * Runs a command on one aggregate: read, decide, evolve, one write. The same command id again answers the aggregate as it is
   * now; a refusal stores nothing; a command without events stores nothing. On a conflict it is tried again, at most 10 times.
   */
  run<P extends string = never>(
    id: string,
    context: CommandContext,
    prepare: Prepare<S, C, E, P>,
  ): Promise<Outcome<S, E, R | P>>;
  read(id: string): Promise<Stored<S, E> | undefined>;
  /** All entries from the first, also those that have moved out of the document. */
  history(id: string): Promise<readonly Entry<E>[]>;
  /** A document that a query found, with its history or without. */
  stored(document: Document): Stored<S, E>;
}

const mostRetries = 10;
const mostUnpublishedBytes = 4 * 1024 * 1024;
/** In the place of this the server puts the instant of the write. */
const now = new Timestamp({ t: 0, i: 0 });
const wordId = /^[A-Za-z0-9][\w:-]{0,199}$/;

/** `unclear`: it is written or it met a conflict, and the aggregate tells which, by the id of the command. */
type Conflict = 'conflict' | 'unclear';

/** What one try is to write. */
interface Change<S, E extends DomainEvent> {
  readonly stored: Stored<S, E>;
  readonly content: Content;
  readonly entries: readonly Entry<E>[];
  readonly words: Words;
  /** Left out when it stays as it is. */
  readonly search?: Content;
  /** Nothing of it is for the bus: it is private, or history of old times. */
  readonly silent: boolean;
}

/** The aggregates of a kind whose indexes are there. `wake` is called after each write that has something for the bus. */
export function aggregatesOf<S extends object, C, E extends DomainEvent, R extends string>(
  database: Db,
  definition: Definition<S, C, E, R>,
  wake: () => void,
): Aggregates<S, C, E, R> {
  const collection = database.collection<RecordDocument>(definition.name);
  const moved = movedOf<E>(database, collection);
  const writing = writingTo(collection);
  const underWay = new Map<string, Promise<void>>();
  /** Those who read one aggregate together get one document, which need be taken apart once. */
  const opened = new WeakMap<RecordDocument, Opened<S, E>>();

  async function load(id: string): Promise<Opened<S, E> | undefined> {
    const document = await writing.read(id);
    if (document === undefined) return undefined;
    const known = opened.get(document) ?? open<S, E>(document);
    opened.set(document, known);
    return known;
  }

  /** What the command has done before, if it has; `ours` if that was by this very run. */
  async function repeated(
    current: Opened<S, E>,
    context: CommandContext,
    ours: boolean,
  ): Promise<Outcome<S, E, never> | undefined> {
    const { stored } = current;
    const here = stored.history.find((entry) => entry.command === context.id);
    const first = here ?? (current.historyFrom > 1 ? await moved.find(stored.id, context.id) : undefined);
    if (first === undefined) return undefined;
    const other = first.request !== undefined && context.request !== undefined && first.request !== context.request;
    return other ? refuse('key-reused') : { stored, replayed: !ours };
  }

  async function attempt<P extends string>(
    id: string,
    context: CommandContext,
    prepare: Prepare<S, C, E, P>,
    current: Opened<S, E> | undefined,
  ): Promise<Outcome<S, E, R | P> | Conflict> {
    const prepared = await prepare(current?.stored);
    if (isRefused(prepared)) return prepared;
    // After `prepare`, which refuses what the caller may not see: the version of such an aggregate is nobody's business.
    const version = current?.stored.version ?? 0;
    if (context.ifMatch !== undefined && context.ifMatch !== version) {
      return refuse('stale-version', { values: { version } });
    }
    const events = definition.decider.decide(current?.stored.state, prepared.command);
    if (isRefused(events)) return events;
    if (events.length === 0) {
      if (current === undefined) throw new TypeError(`${definition.name}: a new aggregate without events`);
      return { stored: current.stored, replayed: false };
    }
    const { words = {}, actor = context.actor } = prepared;
    const change = compose(id, { ...context, actor }, current, events, words);
    if (current !== undefined && (await hasTooMuchUnpublished(current, change))) return refuse('too-much-unpublished');
    if (context.rehearsal === true) return { stored: change.stored, replayed: false };
    const written = await write(current, change);
    if (!change.silent && written !== 'conflict') wake();
    if (written !== undefined) return written;
    await moveOut(current, change);
    return { stored: change.stored, replayed: false };
  }

  function compose(
    id: string,
    context: CommandContext,
    current: Opened<S, E> | undefined,
    events: readonly E[],
    words: Words,
  ): Change<S, E> {
    const version = current?.stored.version ?? 0;
    const state = fold(definition.decider.evolve, events, current?.stored.state);
    if (state === undefined) throw new TypeError(`${definition.name}: events without a state`);
    const entries = events.map((event, index) =>
      entryOf(id, version + index + 1, context, event, index === 0 ? { follows: current?.written } : undefined),
    );
    for (const word of Object.keys(words)) if (!wordId.test(word)) throw new TypeError(`'${word}' is no id of a text`);
    const content = contentOf(definition, state);
    const territories = content.territories;
    const spoken = { ...current?.stored.words, ...words };
    const rewritten = current === undefined || Object.keys(words).length > 0;
    const search = rewritten ? definition.search?.(state, spoken) : undefined;
    return {
      stored: {
        id,
        version: version + events.length,
        state,
        words: spoken,
        territories: Array.isArray(territories) ? territories : [],
        history: [...(current?.stored.history ?? []), ...entries],
      },
      content,
      entries,
      words,
      ...(search === undefined ? {} : { search }),
      silent: context.silent === true || definition.private === true,
    };
  }

  /** The one write. Undefined if it is done. */
  async function write(
    current: Opened<S, E> | undefined,
    change: Change<S, E>,
  ): Promise<Conflict | Refused<R> | undefined> {
    try {
      if (current === undefined) await insert(change);
      else {
        const held = await update(current, change);
        if (held !== 'held') return held;
      }
      return undefined;
    } catch (error) {
      const index = duplicateIndex(error);
      if (index === '_id_') return 'conflict';
      const refusal = index === undefined ? undefined : definition.refusals?.[index];
      if (refusal === undefined) throw error;
      return refuse(refusal);
    }
  }

  async function insert({ stored, content, entries, words, search, silent }: Change<S, E>): Promise<void> {
    await writing.insert({
      _id: stored.id,
      version: stored.version,
      ...(silent ? {} : { written: now }),
      ...fieldsToBson(content),
      ...(Object.keys(words).length > 0 ? { words } : {}),
      ...(search === undefined ? {} : { search: fieldsToBson(search) }),
      history: entries.map(entryToBson),
    });
  }

  async function update(current: Opened<S, E>, change: Change<S, E>): Promise<Held> {
    const { stored, content, entries, words, search, silent } = change;
    const { changed, gone } = difference(current.content, content);
    for (const [word, text] of Object.entries(words)) changed[`words.${word}`] = text;
    if (search !== undefined && !same(search, current.search)) changed.search = fieldsToBson(search);
    const operators: Document = {
      $set: { version: stored.version, ...changed },
      ...(silent ? {} : { $currentDate: { written: { $type: 'timestamp' } } }),
      ...(gone.length > 0 ? { $unset: Object.fromEntries(gone.map((name) => [name, ''])) } : {}),
      $push: { history: { $each: entries.map(entryToBson) } },
    };
    return writing.update({ seen: { _id: stored.id, version: current.stored.version }, operators });
  }

  async function moveOut(current: Opened<S, E> | undefined, { stored, entries }: Change<S, E>): Promise<void> {
    if (current === undefined) return;
    try {
      await moved.moveOut(stored.id, stored.history, entries.length, () => neededFrom(current));
    } catch {
      // The command has happened, which is all its caller asks; the next command on this aggregate moves them.
    }
  }

  /** The seq of the first entry that the relay may still read; what is private it never reads. */
  async function neededFrom({ stored, written }: Opened<S, E>): Promise<number> {
    if (definition.private === true) return stored.version + 1;
    const { final = {}, stuck = [] } = (await progressOf(database)) ?? {};
    const held = stuck.find(({ collection, id }) => collection === definition.name && id === stored.id);
    return Math.min(firstAfter(stored.history, written, final[definition.name]), held?.seq ?? Infinity);
  }

  /** A bound for documents that cannot shrink while the bus is away. */
  async function hasTooMuchUnpublished(current: Opened<S, E>, { stored, entries }: Change<S, E>): Promise<boolean> {
    if (!isTimeToWeigh(stored.history, entries.length) || weight(stored.history) <= mostUnpublishedBytes) return false;
    const needed = await neededFrom(current);
    return weight(stored.history.filter((entry) => entry.seq >= needed)) > mostUnpublishedBytes;
  }

  /** Tries until it is written, refused, or has met too many conflicts. */
  async function carryOut<P extends string>(
    id: string,
    context: CommandContext,
    prepare: Prepare<S, C, E, P>,
  ): Promise<Outcome<S, E, R | P>> {
    if (context.expectNew === true && context.rehearsal !== true) {
      const outcome = await attempt(id, context, prepare, undefined);
      // A refusal may be of facts that have changed since the command first happened: look whether it did.
      if (!isConflict(outcome) && !isRefused(outcome)) return outcome;
    }
    let unclear = false;
    for (let retries = 0; ; retries += 1) {
      const current = await load(id);
      const repeat = current && (await repeated(current, context, unclear));
      if (repeat !== undefined) return repeat;
      const outcome = await attempt(id, context, prepare, current);
      if (!isConflict(outcome)) return outcome;
      if (retries === mostRetries) return refuse('busy');
      unclear = outcome === 'unclear';
      await sleep(pause(retries));
    }
  }

  return {
    name: definition.name,
    collection,
    definition,

    async run(id, context, prepare) {
      if (!isInstant(context.at)) throw new TypeError(`'${context.at}' is no instant`);
      if (context.rehearsal === true) return carryOut(id, context, prepare);
      // The same command twice at once: the second finds what the first has done, and does not race with it.
      const command = `${id} ${context.id}`;
      const before = underWay.get(command) ?? Promise.resolve();
      const running = before.then(() => carryOut(id, context, prepare));
      const ended = running.then(
        () => undefined,
        () => undefined,
      );
      underWay.set(command, ended);
      try {
        return await running;
      } finally {
        if (underWay.get(command) === ended) underWay.delete(command);
      }
    },

    async read(id) {
      return (await load(id))?.stored;
    },

    async history(id) {
      const current = await load(id);
      if (current === undefined) return [];
      if (current.historyFrom === 1) return current.stored.history;
      const before = await moved.all(id);
      return [...before.filter((entry) => entry.seq < current.historyFrom), ...current.stored.history];
    },

    stored: (document) => open<S, E>(document).stored,
  };
}

function entryOf<E extends DomainEvent>(
  aggregate: string,
  seq: number,
  context: CommandContext,
  event: E,
  /** Of the first entry of a command alone. */
  first: { readonly follows: Timestamp | undefined } | undefined,
): Entry<E> {
  const entry: Entry<DomainEvent> = {
    seq,
    id: `${aggregate}:${seq}`,
    at: context.at,
    actor: context.actor,
    command: context.id,
    ...(first !== undefined && context.request !== undefined ? { request: context.request } : {}),
    ...(first?.follows !== undefined && context.silent !== true ? { follows: first.follows } : {}),
    ...(context.trace !== undefined ? { trace: context.trace } : {}),
    ...(context.silent === true ? { silent: true } : {}),
    type: event.type,
    data: event.data,
  };
  // TypeScript does not see through the distribution over the events; type and data are those of one event.
  return entry as Entry<E>;
}

function isConflict(outcome: object | Conflict): outcome is Conflict {
  return outcome === 'conflict' || outcome === 'unclear';
}

/** Full jitter in milliseconds: without it those who collided once collide again (three times the tries). */
function pause(retries: number): number {
  return Math.random() * Math.min(250, 5 * 2 ** retries);
}
