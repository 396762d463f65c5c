import { MongoBulkWriteError, MongoClient, MongoError, MongoServerError } from 'mongodb';
import { mendConnections } from './connections.ts';

/** How long the server may work at a single read or write, in milliseconds: below the gRPC deadline of 3 s. */
export const readTime = 2_000;

/**
 * Connects with the settings that the promises of this package rest on: every write is majority and journaled, every read is
 * of the primary and majority, and nothing waits for ever.
 */
export async function connectMongo(uri: string): Promise<MongoClient> {
  mendConnections();
  const client = new MongoClient(uri, {
    maxPoolSize: 20,
    waitQueueTimeoutMS: 2_000,
    serverSelectionTimeoutMS: 5_000,
    // The driver's `timeoutMS` has no effect from 7.9 on. The server's own work is bounded by `maxTimeMS` on each operation and
    // by `wtimeoutMS`; a server that has frozen is found by the heartbeat, which then breaks off what waits for it.
    connectTimeoutMS: 3_000,
    heartbeatFrequencyMS: 2_000,
    retryReads: true,
    retryWrites: true,
    readPreference: 'primary',
    readConcern: { level: 'majority' },
    writeConcern: { w: 'majority', journal: true, wtimeoutMS: 2_500 },
    ignoreUndefined: true,
  });
  await client.connect();
  return client;
}

/** Whether the driver can read an address. Nothing is connected. */
export function isMongoAddress(uri: string): boolean {
  try {
    new MongoClient(uri);
    return true;
  } catch {
    return false;
  }
}

const awayNames: ReadonlySet<string> = new Set([
  'MongoNetworkError',
  'MongoNetworkTimeoutError',
  'MongoServerSelectionError',
  'MongoWaitQueueTimeoutError',
  'MongoPoolClearedError',
  'MongoPoolClosedError',
  'PoolClearedOnNetworkError',
  'MongoNotConnectedError',
  'MongoTopologyClosedError',
  'MongoClientClosedError',
]);

/**
 * MaxTimeMSExpired, the write concern that was not satisfied in time, and what a server says that stops being the primary or
 * shuts down. The driver tries a write once more by itself; these are of the second try.
 */
const awayCodes: ReadonlySet<unknown> = new Set([
  50, 64, 6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436,
]);

/**
 * Whether an error says that the database is away, has no primary or is too slow now, so that trying again later makes sense. A
 * write that ended so may have happened; the command's id tells when it is tried again.
 */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof MongoError)) return false;
  if (awayNames.has(error.name) || isGroupThatWentNowhere(error)) return true;
  return error.hasErrorLabel('RetryableWriteError') || (error instanceof MongoServerError && awayCodes.has(error.code));
}

/** Of a group of writes the driver keeps but the message of what kept it from the server, under another name. */
function isGroupThatWentNowhere(error: MongoError): boolean {
  return error instanceof MongoBulkWriteError && error.code === undefined && error.result.getWriteErrors().length === 0;
}

/** The name of the unique index in which a write met a duplicate; undefined for any other error. */
export function duplicateIndex(error: unknown): string | undefined {
  if (!(error instanceof MongoServerError) || error.code !== 11000) return undefined;
  return /index: (\S+) dup key/.exec(error.message)?.[1] ?? '';
}
