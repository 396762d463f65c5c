import { createHmac } from 'node:crypto';
import { type Db, type Document, readTime } from '@bandeng/records';
import { normalLogin } from './domain/account.ts';
import { timesFromEverywhere, waitAfter } from './domain/lockout.ts';

/**
 * Tries of passwords by login and by where they come from (a network, or what else asks for a password), with a growing wait after
 * repeated failures.
 */
export interface Attempts {
  /**
   * Counts a try as a failure before the password is compared, so that of a hundred tries at once not all get through;
   * answers the seconds to wait when it is not to be made at all.
   */
  begin(login: string, from: string): Promise<number>;
  /** The password was right. */
  forget(login: string, from: string): Promise<void>;
  /** Nobody signs in by that login any more. What came from where is forgotten within a day. */
  forgetLogin(login: string): Promise<void>;
}

interface AttemptsDocument {
  readonly _id: string;
  readonly failures: number;
  /** No try before this instant. */
  readonly until: Date;
  /** How long the last try would have had to wait: 0 when it was let through. */
  readonly wait: number;
  /** Forgotten after this instant. */
  readonly expires: Date;
}

const forgottenAfterSeconds = 24 * 60 * 60;

/** Opens the counters over a database. `key` hides logins in them: people also type passwords into that field. */
export async function openAttempts(database: Db, key: Buffer): Promise<Attempts> {
  const attempts = database.collection<AttemptsDocument>('sign_in_attempts');
  await attempts.createIndex({ expires: 1 }, { name: 'expires', expireAfterSeconds: 0 });
  const counterOf = (login: string, from: string): string =>
    createHmac('sha256', key)
      .update(JSON.stringify([normalLogin(login), from]))
      .digest('base64url');
  const atOnce = { upsert: true, returnDocument: 'after', maxTimeMS: readTime } as const;
  const waitOf = async (_id: string, count: Document[]): Promise<number> =>
    (await attempts.findOneAndUpdate({ _id }, count, atOnce))?.wait ?? 0;
  return {
    async begin(login, from) {
      const here = await waitOf(counterOf(login, from), count);
      return here > 0 ? here : waitOf(counterOf(login, everywhere), countOfAll);
    },
    async forget(login, from) {
      await attempts.deleteMany(
        { _id: { $in: [counterOf(login, from), counterOf(login, everywhere)] } },
        { maxTimeMS: readTime },
      );
    },
    async forgetLogin(login) {
      await attempts.deleteOne({ _id: counterOf(login, everywhere) }, { maxTimeMS: readTime });
    },
  };
}

/** No network is called so. */
const everywhere = '*';

/** The policy as a table that the database can look up: from so many failures, wait so long; longest first. */
const waits = Array.from({ length: 32 }, (_, failures) => ({ from: failures, seconds: waitAfter(failures) }))
  .filter(({ seconds }, index, all) => index > 0 && seconds !== all[index - 1]?.seconds)
  .reverse();

/** One step in the database, by its clock: two services and a hundred requests count the same failures. */
const countUntil = (times: number): Document[] => [
  { $set: { failures: { $ifNull: ['$failures', 0] }, until: { $ifNull: ['$until', new Date(0)] } } },
  { $set: { wait: { $max: [0, { $ceil: { $divide: [{ $subtract: ['$until', '$$NOW'] }, 1000] } }] } } },
  { $set: { failures: { $add: ['$failures', { $cond: [{ $gt: ['$wait', 0] }, 0, 1] }] } } },
  {
    $set: {
      until: {
        $cond: [
          { $gt: ['$wait', 0] },
          '$until',
          {
            $add: [
              '$$NOW',
              {
                $switch: {
                  branches: waits.map(({ from, seconds }) => ({
                    case: { $gte: ['$failures', from * times] },
                    // biome-ignore lint/suspicious/noThenProperty: the database's own word
                    then: seconds * 1000,
                  })),
                  default: 0,
                },
              },
            ],
          },
        ],
      },
      expires: { $add: ['$$NOW', forgottenAfterSeconds * 1000] },
    },
  },
];

const count = countUntil(1);
const countOfAll = countUntil(timesFromEverywhere);
