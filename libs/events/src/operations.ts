import { randomUUID } from 'node:crypto';
import { type Db, readTime } from '@bandeng/records';

/** A place in a stream: a sequence, or the first event that happened at this instant or later. */
export type Edge = { readonly sequence: number } | { readonly time: string };

/** What an operator can ask of the process that holds a service's lease. */
export type Task =
  /** Make the service's stream anew from its histories. */
  | { readonly kind: 'rebuild' }
  /** Run the service's reactions to a range of another's stream again: all of them, or one. */
  | {
      readonly kind: 'replay';
      readonly source: string;
      readonly from: Edge;
      /** The last one; the end of the stream when left out. */
      readonly to?: Edge;
      readonly reaction?: string;
    };

type Kind = Task['kind'];
type TaskOf<K extends Kind> = Extract<Task, { readonly kind: K }>;

/** How far it is. */
export interface Progress {
  /** Messages published, or events handled. */
  readonly done: number;
  /** Commands that had not happened before; of a replay only. */
  readonly effects?: number;
  /** Dead letters; of a replay only. */
  readonly dead?: number;
  /** A replay has handled everything up to this sequence. */
  readonly reached?: number;
}

/** A task and what has become of it. */
export interface Operation<K extends Kind = Kind> extends Progress {
  readonly id: string;
  readonly task: TaskOf<K>;
  readonly status: 'asked' | 'running' | 'done' | 'failed';
  /** Why it failed, or what went wrong at the last try. */
  readonly problem?: string;
  readonly askedAt: string;
  readonly endedAt?: string;
}

/** The tasks of a service, in the collection `operations` of its database: whoever holds the lease does them. */
export interface Operations {
  /** Answers the id; of a rebuild that is asked for already the same. */
  ask(task: Task): Promise<string>;
  show(id: string): Promise<Operation | undefined>;
  /** Takes it back while nobody has begun; false when somebody has. */
  withdraw(id: string): Promise<boolean>;
  /** The oldest that is not done. One that runs was begun by a holder who is gone, so it is begun again. */
  next<K extends Kind>(kind: K): Promise<Operation<K> | undefined>;
  /** False when it has been taken back. */
  begin(id: string): Promise<boolean>;
  progress(id: string, progress: Progress): Promise<void>;
  /** It goes on, but this went wrong. */
  trouble(id: string, problem: string): Promise<void>;
  end(id: string, problem?: string): Promise<void>;
}

interface Document extends Omit<Operation, 'id'> {
  readonly _id: string;
}

const bounded = { maxTimeMS: readTime } as const;
const unfinished = { status: { $in: ['asked', 'running'] } } as const;

/** Opens the tasks in the database of a service. Asks nothing of it, so it never throws. */
export function openOperations(database: Db): Operations {
  const collection = database.collection<Document>('operations');
  const set = async (id: string, fields: Partial<Document>): Promise<boolean> =>
    (await collection.updateOne({ _id: id, ...unfinished }, { $set: fields }, bounded)).matchedCount === 1;
  return {
    async ask(task) {
      if (task.kind === 'rebuild') {
        const under = await collection.findOne({ 'task.kind': 'rebuild', ...unfinished }, bounded);
        if (under !== null) return under._id;
      }
      const id = randomUUID();
      const askedAt = new Date().toISOString();
      await collection.insertOne({ _id: id, task, status: 'asked', done: 0, askedAt }, bounded);
      return id;
    },
    async show(id) {
      const document = await collection.findOne({ _id: id }, bounded);
      return document === null ? undefined : operationOf(document);
    },
    async withdraw(id) {
      return (await collection.deleteOne({ _id: id, status: 'asked' }, bounded)).deletedCount === 1;
    },
    async next(kind) {
      const document = await collection.findOne(
        { 'task.kind': kind, ...unfinished },
        { ...bounded, sort: { askedAt: 1 } },
      );
      return document === null ? undefined : ofKind(document);
    },
    begin: (id) => set(id, { status: 'running' }),
    async progress(id, progress) {
      await set(id, progress);
    },
    async trouble(id, problem) {
      await set(id, { problem: problem.slice(0, 500) });
    },
    async end(id, problem) {
      const endedAt = new Date().toISOString();
      await set(id, problem === undefined ? { status: 'done', endedAt } : { status: 'failed', problem, endedAt });
      if (problem === undefined) await collection.updateOne({ _id: id }, { $unset: { problem: '' } }, bounded);
    },
  };
}

function operationOf({ _id, ...rest }: Document): Operation {
  return { id: _id, ...rest };
}

/** It was found by its kind. */
function ofKind<K extends Kind>(document: Document): Operation<K> {
  return operationOf(document) as unknown as Operation<K>;
}
