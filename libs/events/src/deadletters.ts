import { type Collection, type Db, derivedId, olderThan, readTime } from '@bandeng/records';
import { MAX_EVENT_BYTES } from './cloudevents.ts';

/** Why a message was given up: no CloudEvent, a type nobody knows, larger than allowed, or its handler failed too often. */
export type DeadLetterReason = 'malformed' | 'unknown-type' | 'too-large' | 'failed';

/** A message that was given up, for one reaction. */
export interface DeadLetter {
  /** Follows from the event and the reaction. */
  readonly id: string;
  /** `<source> <id of the event>`, or where it lies in the stream when it has no readable id. */
  readonly event: string;
  /** The reaction; the name of the durable when the message could not be told apart. */
  readonly reaction: string;
  readonly reason: DeadLetterReason;
  /** Name and message of the last failure, at most 500 characters. */
  readonly problem: string;
  readonly type: string;
  readonly aggregate: string;
  readonly stream: string;
  readonly sequence: number;
  readonly at: string;
  readonly tries: number;
  /** `requeued` until the reaction has tried again; then `handled`, or `open` once more. */
  readonly status: 'open' | 'requeued' | 'handled';
  /** The message as it came; of one that is too large the beginning. */
  readonly raw: string;
}

/** The dead letters of a service: collection `dead_letters`, one for each event and reaction. */
export interface DeadLetters {
  /** Newest first; `after` is the id of the last one seen. */
  list(options?: {
    readonly status?: DeadLetter['status'];
    readonly limit?: number;
    readonly after?: string;
  }): Promise<DeadLetter[]>;
  show(id: string): Promise<DeadLetter | undefined>;
  /** How many are open. */
  open(): Promise<number>;
  /** Hands it to its reaction once more, in the process that holds the lease. False when there is no open one. */
  requeue(id: string): Promise<boolean>;
  /** Stores one, or renews the one of the same event and reaction. */
  store(letter: Omit<DeadLetter, 'id' | 'status'>): Promise<void>;
  /** Those of a stream that shall be tried again, oldest first. */
  requeued(stream: string, limit: number): Promise<DeadLetter[]>;
  /** It was tried again; one that was stored anew since it was read stays as it is. */
  handled(letter: Pick<DeadLetter, 'id' | 'at'>): Promise<void>;
}

interface Document extends Omit<DeadLetter, 'id'> {
  readonly _id: string;
}

const PROBLEM_CHARACTERS = 500;
const bounded = { maxTimeMS: readTime } as const;

/** Opens the dead letters in the database of a service and makes their indexes. @throws while the database is away. */
export async function openDeadLetters(database: Db): Promise<DeadLetters> {
  const collection: Collection<Document> = database.collection<Document>('dead_letters');
  await collection.createIndexes([
    { key: { status: 1, at: -1, _id: -1 }, name: 'by_status' },
    { key: { at: -1, _id: -1 }, name: 'by_time' },
    {
      key: { stream: 1, at: 1, _id: 1 },
      name: 'requeued',
      partialFilterExpression: { status: 'requeued' },
    },
  ]);
  const show = async (id: string): Promise<DeadLetter | undefined> => {
    const document = await collection.findOne({ _id: id }, bounded);
    return document === null ? undefined : letterOf(document);
  };
  return {
    show,
    open: () => collection.countDocuments({ status: 'open' }, bounded),
    async list(options = {}) {
      const last = options.after === undefined ? undefined : await show(options.after);
      const documents = await collection
        .find({
          ...(options.status === undefined ? {} : { status: options.status }),
          ...(last === undefined ? {} : olderThan('at', last)),
        })
        .sort({ at: -1, _id: -1 })
        .limit(options.limit ?? 50)
        .maxTimeMS(readTime)
        .toArray();
      return documents.map(letterOf);
    },
    async requeue(id) {
      const { modifiedCount } = await collection.updateOne(
        { _id: id, status: 'open' },
        { $set: { status: 'requeued' } },
        bounded,
      );
      return modifiedCount === 1;
    },
    async store(letter) {
      await collection.updateOne(
        { _id: derivedId('dead letter', letter.event, letter.reaction) },
        {
          $set: {
            ...letter,
            problem: letter.problem.slice(0, PROBLEM_CHARACTERS),
            raw: letter.raw.slice(0, MAX_EVENT_BYTES),
            status: 'open',
          },
        },
        { ...bounded, upsert: true },
      );
    },
    async requeued(stream, limit) {
      const documents = await collection
        .find({ status: 'requeued', stream }, { ...bounded, sort: { at: 1, _id: 1 }, limit })
        .toArray();
      return documents.map(letterOf);
    },
    async handled({ id, at }) {
      await collection.updateOne({ _id: id, at, status: 'requeued' }, { $set: { status: 'handled' } }, bounded);
    },
  };
}

function letterOf({ _id, ...rest }: Document): DeadLetter {
  return { id: _id, ...rest };
}
