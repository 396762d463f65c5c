import { randomUUID } from 'node:crypto';
import { type Decider, refuse } from '@bandeng/decider';
import { parts } from '@bandeng/testing';
import {
  type Aggregates,
  type CommandContext,
  connectMongo,
  type Db,
  type Definition,
  openRecords,
  type Prepared,
  type Progress,
  progressField,
  type Records,
  type StuckAt,
  type Words,
} from '../src/index.ts';

/** A small aggregate that has everything records cares for: a unique number, a deadline, notes with words, territories. */
export interface Errand {
  readonly number: string;
  readonly status: 'open' | 'done';
  readonly openedAt: string;
  readonly place: string;
  readonly due?: string;
  readonly notes: readonly string[];
  readonly remark?: string;
}

export type ErrandCommand =
  | {
      readonly type: 'open';
      readonly number: string;
      readonly place: string;
      readonly at: string;
      readonly due?: string;
    }
  | { readonly type: 'note'; readonly note: string }
  | { readonly type: 'remark'; readonly remark: string | undefined }
  | { readonly type: 'renumber'; readonly number: string }
  | { readonly type: 'lapse'; readonly until?: string }
  | { readonly type: 'finish' };

export type ErrandEvent =
  | {
      readonly type: 'opened';
      readonly data: { readonly number: string; readonly place: string; readonly at: string; readonly due?: string };
    }
  | { readonly type: 'noted'; readonly data: { readonly note: string } }
  | { readonly type: 'remarked'; readonly data: { readonly remark?: string } }
  | { readonly type: 'renumbered'; readonly data: { readonly number: string } }
  | { readonly type: 'lapsed'; readonly data: { readonly until?: string } }
  | { readonly type: 'finished'; readonly data: Record<string, never> };

export type ErrandRefusal = 'not-there' | 'there-already' | 'done-already' | 'number-taken';

const errandDecider: Decider<Errand, ErrandCommand, ErrandEvent, ErrandRefusal> = {
  decide(state, command) {
    if (command.type === 'open') {
      if (state !== undefined) return refuse('there-already');
      const { type: _, ...data } = command;
      return [{ type: 'opened', data }];
    }
    if (state === undefined) return refuse('not-there');
    if (state.status === 'done') return refuse('done-already');
    switch (command.type) {
      case 'note':
        return [{ type: 'noted', data: { note: command.note } }];
      case 'remark':
        if (command.remark === state.remark) return [];
        return [{ type: 'remarked', data: command.remark === undefined ? {} : { remark: command.remark } }];
      case 'renumber':
        return [{ type: 'renumbered', data: { number: command.number } }];
      case 'lapse':
        return [{ type: 'lapsed', data: command.until === undefined ? {} : { until: command.until } }];
      case 'finish':
        return [
          { type: 'noted', data: { note: 'finish' } },
          { type: 'finished', data: {} },
        ];
    }
  },
  evolve(state, event) {
    if (event.type === 'opened') {
      const { at, ...data } = event.data;
      return { ...data, status: 'open', openedAt: at, notes: [] };
    }
    if (state === undefined) throw new TypeError('an errand begins with opened');
    switch (event.type) {
      case 'noted':
        return { ...state, notes: [...state.notes, event.data.note] };
      case 'remarked': {
        const { remark: _, ...rest } = state;
        return { ...rest, ...event.data };
      }
      case 'renumbered':
        return { ...state, number: event.data.number };
      case 'lapsed': {
        const { due: _, ...rest } = state;
        return event.data.until === undefined ? rest : { ...rest, due: event.data.until };
      }
      case 'finished': {
        const { due: _, ...rest } = state;
        return { ...rest, status: 'done' };
      }
    }
  },
};

export type Errands = Aggregates<Errand, ErrandCommand, ErrandEvent, ErrandRefusal>;

export const errandDefinition: Definition<Errand, ErrandCommand, ErrandEvent, ErrandRefusal> = {
  name: 'errands',
  decider: errandDecider,
  territories: ({ place }) => [place.slice(0, 4), place.slice(0, 6), place],
  nextDue: (state) => state.due,
  keys: ({ notes }) => ({ lastNote: notes.at(-1) }),
  indexes: [{ name: 'number', key: { number: 1 }, unique: true }],
  refusals: { number: 'number-taken' },
};

/** Records on a database of their own. */
export interface House extends AsyncDisposable {
  readonly database: Db;
  readonly records: Records;
  readonly errands: Errands;
  wakes(): number;
  /** Keeps, as a relay does, that all that is written is on the bus for good, but for what is stuck. */
  tell(stuck?: readonly StuckAt[]): Promise<void>;
}

export async function house(over: Partial<typeof errandDefinition> = {}): Promise<House> {
  const borrowed = await parts();
  const client = await connectMongo(borrowed.mongodbUri);
  const database = client.db(`${borrowed.databasePrefix}_records`);
  let wakes = 0;
  const records = await openRecords({
    database,
    wake() {
      wakes += 1;
    },
  });
  const errands = await records.define({ ...errandDefinition, ...over });
  return {
    database,
    records,
    errands,
    wakes: () => wakes,
    async tell(stuck = []) {
      const following = records.outbox.follow({});
      for await (const _ of following.news(100));
      const { place } = following;
      await following.close();
      const lease = records.outbox.lease('test');
      await lease.acquire();
      const progress: Progress = { told: place, final: place, stuck };
      await lease.write({ [progressField]: progress });
      await lease.release();
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      await borrowed.dispose();
    },
  };
}

export const at = '2026-03-01T08:00:00.000Z';

export function context(more: Partial<CommandContext> = {}): CommandContext {
  return { id: `http:p1:test:${randomUUID()}`, at, actor: { person: 'p1', posting: 'k1' }, ...more };
}

/** A command that needs no facts. */
export function plainly(command: ErrandCommand, words?: Words): () => Prepared<ErrandCommand> {
  return () => (words === undefined ? { command } : { command, words });
}

export function opening(number: string, due?: string): () => Prepared<ErrandCommand> {
  return plainly({ type: 'open', number, place: '459902001001', at, ...(due === undefined ? {} : { due }) });
}
