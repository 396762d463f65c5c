import { createHmac } from 'node:crypto';
import type { Db } from '@bandeng/records';
import { type Language, normalLogin } from './domain/account.ts';
import { waitAfter } from './domain/lockout.ts';
import { passwordMatches, pretendToCompare } from './passwords.ts';
import type { Vault } from './vault.ts';

/** A person as the sign-in pages and ID tokens show them. */
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly language: Language;
}

/** What signing in by a password comes to. A wrong login and a wrong password are one outcome. */
type SignedIn =
  | { readonly outcome: 'signed-in'; readonly person: Person }
  | { readonly outcome: 'wrong' }
  | { readonly outcome: 'locked'; readonly seconds: number };

/** Who can sign in. */
export interface People {
  byLogin(login: string): Promise<Person | undefined>;
  byId(id: string): Promise<Person | undefined>;
}

/** Signs a person in by login and password, with a growing wait after repeated failures. */
export type SignIn = (login: string, password: string) => Promise<SignedIn>;

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

/** Opens sign-in over a database. `key` hides logins in the counters: people also type passwords into that field. */
export async function openSignIn(options: {
  database: Db;
  people: People;
  vault: Vault;
  key: Buffer;
}): Promise<SignIn> {
  const attempts = options.database.collection<AttemptsDocument>('sign_in_attempts');
  await attempts.createIndex({ expires: 1 }, { name: 'expires', expireAfterSeconds: 0 });

  /**
   * Counts a try as a failure before the password is compared, so that of a hundred tries at once not all get through;
   * answers the seconds to wait when it is not to be made at all.
   */
  const begin = async (counter: string): Promise<number> => {
    const after = await attempts.findOneAndUpdate({ _id: counter }, count, { upsert: true, returnDocument: 'after' });
    return after?.wait ?? 0;
  };

  return async (typed, password) => {
    const login = normalLogin(typed);
    const counter = createHmac('sha256', options.key).update(login).digest('base64url');
    const seconds = await begin(counter);
    if (seconds > 0) return { outcome: 'locked', seconds };
    const person = await options.people.byLogin(login);
    const hash = person === undefined ? undefined : await options.vault.secretHash(person.id);
    if (person === undefined || hash === undefined) {
      await pretendToCompare(password);
      return { outcome: 'wrong' };
    }
    if (!(await passwordMatches(password, hash))) return { outcome: 'wrong' };
    await attempts.deleteOne({ _id: counter });
    return { outcome: 'signed-in', person };
  };
}

/** The policy as a table that the database can look up: from so many failures, wait so long; longest first. */
const waits = Array.from({ length: 32 }, (_, failures) => ({ from: failures, seconds: waitAfter(failures) }))
  .filter(({ seconds }, index, all) => index > 0 && seconds !== all[index - 1]?.seconds)
  .reverse();

/** One step in the database, by its clock: two services and a hundred requests count the same failures. */
const count = [
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
                    case: { $gte: ['$failures', from] },
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
