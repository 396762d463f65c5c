import type { DomainEvent } from '@bandeng/decider';
import type { Db, Document } from 'mongodb';
import { open } from './contents.ts';
import type { Entry, RecordDocument } from './documents.ts';
import { movedOf } from './moved.ts';
import type { Progress } from './progress.ts';
import { aggregateKey, type WrittenDocument, writtenDocument } from './written.ts';

/** An entry that has gone over the bus, and its aggregate as it is now, with all of its history. */
export interface PublishedEntry {
  readonly document: WrittenDocument;
  readonly entry: Entry<DomainEvent>;
}

/** Where an entry is found. */
interface EntryPlace extends Document {
  readonly of: string;
  readonly id: string;
  readonly seq: number;
}

const AT_A_TIME = 500;

/** Everything that has gone over the bus for good, by time. The database sorts, on its disk when there is much. */
export async function* publishedEntries(
  database: Db,
  collections: readonly string[],
  progress: Progress,
): AsyncGenerator<readonly PublishedEntry[]> {
  const [first, ...others] = collections.flatMap((name) => [
    { name, pipeline: placesInDocuments(name) },
    { name: `${name}_history`, pipeline: placesMovedOut(name) },
  ]);
  if (first === undefined) return;
  const pipeline: Document[] = [
    ...first.pipeline,
    ...others.map((other) => ({ $unionWith: { coll: other.name, pipeline: other.pipeline } })),
    // Clocks of replicas differ, so within an aggregate a later entry may have an earlier time: its seq decides.
    {
      $setWindowFields: {
        partitionBy: { of: '$of', id: '$id' },
        sortBy: { seq: 1 },
        output: { when: { $max: '$at', window: { documents: ['unbounded', 'current'] } } },
      },
    },
    { $sort: { when: 1, of: 1, id: 1, seq: 1 } },
    { $project: { of: 1, id: 1, seq: 1 } },
  ];
  const places = database
    .collection(first.name)
    .aggregate<EntryPlace>(pipeline, { allowDiskUse: true, batchSize: AT_A_TIME });
  const waits = firstThatWaits(progress);
  let batch: EntryPlace[] = [];
  let last: EntryPlace | undefined;
  for await (const place of places) {
    // A move that broke off has left an entry in both places.
    const again = last?.of === place.of && last.id === place.id && last.seq === place.seq;
    last = place;
    if (again) continue;
    batch.push(place);
    if (batch.length < AT_A_TIME) continue;
    yield await entriesAt(database, batch, waits);
    batch = [];
  }
  if (batch.length > 0) yield await entriesAt(database, batch, waits);
}

/** What has gone over the bus for good of aggregates that chance picks, so many of each kind. */
export async function samplePublished(
  database: Db,
  collections: readonly string[],
  aggregates: number,
  progress: Progress,
): Promise<readonly PublishedEntry[]> {
  const waits = firstThatWaits(progress);
  const found: PublishedEntry[] = [];
  for (const name of collections) {
    const sampled = database
      .collection<RecordDocument>(name)
      .aggregate<RecordDocument>([
        { $sample: { size: aggregates } },
        { $match: { written: { $exists: true } } },
        { $project: { words: 0 } },
      ]);
    for await (const raw of sampled) {
      const { document, history } = await wholeDocument(database, name, raw);
      const first = waits(document);
      for (const entry of history) if (entry.seq < first && entry.silent !== true) found.push({ document, entry });
    }
  }
  return found;
}

function placesInDocuments(name: string): Document[] {
  return [
    { $match: { written: { $exists: true } } },
    { $project: { 'history.seq': 1, 'history.at': 1, 'history.silent': 1 } },
    { $unwind: '$history' },
    { $match: { 'history.silent': { $ne: true } } },
    { $project: { _id: 0, of: { $literal: name }, id: '$_id', seq: '$history.seq', at: '$history.at' } },
  ];
}

/** Only what is on the bus moves out. */
function placesMovedOut(name: string): Document[] {
  return [
    { $match: { silent: { $ne: true } } },
    { $project: { _id: 0, of: { $literal: name }, id: '$aggregate', seq: 1, at: 1 } },
  ];
}

async function entriesAt(
  database: Db,
  places: readonly EntryPlace[],
  waits: FirstThatWaits,
): Promise<readonly PublishedEntry[]> {
  const documents = new Map<string, WrittenDocument>();
  for (const [name, its] of Map.groupBy(places, ({ of }) => of)) {
    const ids = [...new Set(its.map(({ id }) => id))];
    const found = database
      .collection<RecordDocument>(name)
      .find({ _id: { $in: ids } }, { projection: { words: 0 }, maxTimeMS: 30_000 });
    for await (const raw of found)
      documents.set(aggregateKey(name, raw._id), (await wholeDocument(database, name, raw)).document);
  }
  return places.flatMap(({ of, id, seq }) => {
    const document = documents.get(aggregateKey(of, id));
    const entry = document?.entry(seq);
    if (document === undefined || entry === undefined) throw new Error(`entry ${id}:${seq} of ${of} is missing`);
    return seq < waits(document) ? [{ document, entry }] : [];
  });
}

/** The seq of the first entry that may not be on the bus for good. */
type FirstThatWaits = (document: WrittenDocument) => number;

function firstThatWaits({ final, stuck }: Progress): FirstThatWaits {
  const held = new Map(stuck.map(({ collection, id, seq }) => [aggregateKey(collection, id), seq]));
  return (document) =>
    Math.min(document.firstAfter(final), held.get(aggregateKey(document.collection, document.id)) ?? Infinity);
}

interface WholeDocument {
  readonly document: WrittenDocument;
  readonly history: readonly Entry<DomainEvent>[];
}

async function wholeDocument(database: Db, collection: string, raw: RecordDocument): Promise<WholeDocument> {
  const { stored, historyFrom } = open<unknown, DomainEvent>(raw);
  const before =
    historyFrom === 1
      ? []
      : await movedOf<DomainEvent>(database, database.collection<RecordDocument>(collection)).all(stored.id);
  const history = [...before.filter(({ seq }) => seq < historyFrom), ...stored.history];
  return { document: writtenDocument(collection, raw, { history }), history };
}
