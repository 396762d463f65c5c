import type { Db } from 'mongodb';
import { duplicateIndex, readTime } from './mongo.ts';
import { isFieldName } from './values.ts';

/**
 * The right to be the only one who does something, for 3 s unless renewed. The server's clock judges, so clocks of holders may
 * differ. An old holder that was stopped and goes on later finds its token taken: it can neither renew nor write.
 */
export interface Lease {
  /** Counts the holders of this lease; undefined while this one does not believe to hold it. */
  readonly token: number | undefined;
  /** Takes it if nobody holds it; true if it is held now. */
  acquire(): Promise<boolean>;
  /** Holds it for 3 s more; false if somebody else has taken it. */
  renew(): Promise<boolean>;
  /** Lets the next one have it at once. */
  release(): Promise<void>;
  /** A field of the lease document, whoever wrote it. */
  read<T>(field: string): Promise<T | undefined>;
  /** Writes fields into the lease document, only while held; they stay for the next holder. */
  write(fields: Readonly<Record<string, unknown>>): Promise<boolean>;
}

interface LeaseDocument {
  _id: string;
  holder: string;
  token: number;
  until: Date;
  fields: Record<string, unknown>;
}

const milliseconds = 3_000;
const untilThen = { $add: ['$$NOW', milliseconds] };
const never = new Date(0);

/**
 * A lease by name, not taken yet. `holder` is written down for people; the token decides. Each method throws while the
 * database is away.
 */
export function leaseOf(database: Db, name: string, holder: string): Lease {
  const leases = database.collection<LeaseDocument>('leases');
  const options = { maxTimeMS: readTime };
  let token: number | undefined;

  async function take(): Promise<number | undefined> {
    const taken = await leases.findOneAndUpdate(
      { _id: name, $expr: { $lte: ['$until', '$$NOW'] } },
      [{ $set: { holder: { $literal: holder }, token: { $add: ['$token', 1] }, until: untilThen } }],
      { ...options, returnDocument: 'after', projection: { token: 1 } },
    );
    return taken?.token;
  }

  /** Puts the document there, free, if there is none; true if so. */
  async function lay(): Promise<boolean> {
    try {
      const free = { holder, token: 0, until: never, fields: {} };
      const result = await leases.updateOne({ _id: name }, { $setOnInsert: free }, { ...options, upsert: true });
      return result.upsertedCount === 1;
    } catch (error) {
      if (duplicateIndex(error) === undefined) throw error;
      return false;
    }
  }

  async function renew(): Promise<boolean> {
    if (token === undefined) return false;
    // Past its time but taken by nobody, it is still ours: the token says so.
    const result = await leases.updateOne({ _id: name, token }, [{ $set: { until: untilThen } }], options);
    if (result.matchedCount === 1) return true;
    token = undefined;
    return false;
  }

  return {
    get token() {
      return token;
    },

    async acquire() {
      if (await renew()) return true;
      token = await take();
      if (token === undefined && (await lay())) token = await take();
      return token !== undefined;
    },

    renew,

    async release() {
      if (token === undefined) return;
      const held = token;
      token = undefined;
      await leases.updateOne({ _id: name, token: held }, { $set: { until: never } }, options);
    },

    async read<T>(field: string) {
      const document = await leases.findOne({ _id: name }, { ...options, projection: { [`fields.${field}`]: 1 } });
      // Whoever reads a field knows what the holders write there.
      return document?.fields?.[field] as T | undefined;
    },

    async write(fields) {
      if (token === undefined) return false;
      const set: Record<string, unknown> = {};
      for (const [field, value] of Object.entries(fields)) {
        if (!isFieldName(field)) throw new TypeError(`'${field}' cannot be the name of a field`);
        set[`fields.${field}`] = value;
      }
      const held = { _id: name, token, $expr: { $gt: ['$until', '$$NOW'] } };
      const result = await leases.updateOne(held, { $set: set }, options);
      return result.matchedCount === 1;
    },
  };
}
