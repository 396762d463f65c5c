export type { Collection, Db, Document, Filter, IndexDescription, MongoClient } from 'mongodb';
export type { Aggregates, Prepare } from './aggregates.ts';
export { type Audit, audit, type Fault } from './audit.ts';
export type {
  Actor,
  CommandContext,
  Definition,
  Entry,
  Outcome,
  Prepared,
  RecordDocument,
  RecordsRefusal,
  Stored,
  Words,
} from './documents.ts';
export type { Following } from './following.ts';
export { derivedId } from './ids.ts';
export type { Lease } from './lease.ts';
export { connectMongo, isDatabaseAway, isMongoAddress, readTime } from './mongo.ts';
export type { Outbox } from './outbox.ts';
export { olderThan, type PageEnd } from './paging.ts';
export { type Progress, progressField, progressOf, type StuckAt } from './progress.ts';
export type { PublishedEntry } from './published.ts';
export { openRecords, type Records, type RecordsOptions } from './records.ts';
export type { Serials } from './serials.ts';
export { type DueCommand, type Sweep, type SweepOptions, sweepOf } from './sweeps.ts';
export { authorsIndex, authorsOf, erasedWords, writtenBy } from './words.ts';
export { aggregateKey, beginning, type Place, type WrittenDocument } from './written.ts';
