export type { Collection, Db, Document, Filter, IndexDescription, MongoClient } from 'mongodb';
export type { Aggregates, Prepare } from './aggregates.ts';
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
export { derivedId, requestHash } from './ids.ts';
export type { Lease } from './lease.ts';
export { connectMongo, isDatabaseAway } from './mongo.ts';
export type { Mark, Outbox, UnpublishedDocument } from './outbox.ts';
export type { Records } from './records.ts';
export type { Serials } from './serials.ts';
export type { Sweep } from './sweeps.ts';
