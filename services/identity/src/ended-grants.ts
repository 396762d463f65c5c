/** Grants that were ended while access tokens of them still live: whoever verifies tokens asks for them. */
import { type Collection, type Db, readTime } from '@bandeng/records';

/** A grant that was ended, and until when tokens of it may live. */
interface EndedGrant {
  readonly _id: string;
  readonly endedAt: Date;
  readonly forgetAt: Date;
}

/** Where it is kept which grants were ended. */
export interface EndedGrants {
  /**
   * Keeps that these ended, then hints at it. Called before what came of them is taken away: what is cut off between the two is
   * refused and can be ended again; the other way round access tokens would live on.
   */
  end(grants: readonly string[]): Promise<void>;
  /** Those that ended at an instant or later, the first first; left out all whose tokens may still live. */
  since(instant: Date | undefined, limit: number): Promise<EndedGrant[]>;
}

/**
 * A token may be signed a little later than its grant was ended, by a request that was under way; and the clocks of those who
 * verify it may be behind.
 */
const graceSeconds = 120;

/** Opens it over a database; `hint` tells whoever listens that there is something new to read. */
export async function openEndedGrants(options: {
  database: Db;
  /** Life of an access token. */
  accessTokenSeconds: number;
  now: () => Date;
  hint: () => void;
}): Promise<EndedGrants> {
  const { database, accessTokenSeconds, now, hint } = options;
  const collection: Collection<EndedGrant> = database.collection<EndedGrant>('ended_grants');
  await collection.createIndexes([
    { name: 'forgetAt', key: { forgetAt: 1 }, expireAfterSeconds: 0 },
    { name: 'endedAt', key: { endedAt: 1 } },
  ]);
  // What a process that was killed has kept and not said.
  hint();
  return {
    async end(grants) {
      if (grants.length === 0) return;
      const endedAt = now();
      const forgetAt = new Date(endedAt.getTime() + (accessTokenSeconds + graceSeconds) * 1000);
      const writes = grants.map((_id) => ({
        updateOne: { filter: { _id }, update: { $set: { endedAt, forgetAt } }, upsert: true },
      }));
      await collection.bulkWrite(writes, { ordered: false, maxTimeMS: readTime });
      hint();
    },
    since: (instant, limit) =>
      collection
        .find(instant === undefined ? {} : { endedAt: { $gte: instant } }, { limit, maxTimeMS: readTime })
        .sort({ endedAt: 1 })
        .toArray(),
  };
}
