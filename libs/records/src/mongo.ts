import { MongoClient, MongoError, MongoServerError } from 'mongodb';

/**
 * Connects with the settings that the promises of this package rest on: every write is majority and journaled, every read is
 * of the primary and majority, and nothing waits longer than a gRPC deadline of 3 s.
 */
export async function connectMongo(uri: string): Promise<MongoClient> {
  const client = new MongoClient(uri, {
    maxPoolSize: 20,
    waitQueueTimeoutMS: 2_000,
    serverSelectionTimeoutMS: 5_000,
    timeoutMS: 2_500,
    retryReads: true,
    retryWrites: true,
    readPreference: 'primary',
    readConcern: { level: 'majority' },
    writeConcern: { w: 'majority', journal: true },
    ignoreUndefined: true,
  });
  await client.connect();
  return client;
}

const awayNames = new Set([
  'MongoNetworkError',
  'MongoNetworkTimeoutError',
  'MongoServerSelectionError',
  'MongoOperationTimeoutError',
  'MongoWaitQueueTimeoutError',
  'MongoPoolClearedError',
  'MongoPoolClosedError',
  'MongoNotConnectedError',
  'MongoTopologyClosedError',
  'MongoClientClosedError',
]);

/** Whether an error says that the database is away or has no primary now, so that trying later makes sense. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof MongoError)) return false;
  if (awayNames.has(error.name)) return true;
  return (
    error instanceof MongoServerError &&
    (error.hasErrorLabel('RetryableWriteError') || error.hasErrorLabel('RetryableError'))
  );
}
