import type { Attempts } from './attempts.ts';
import { type Language, normalLogin } from './domain/account.ts';
import { hashPassword, passwordLength, passwordMatches, pretendToCompare } from './passwords.ts';
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
  | { readonly outcome: 'locked'; readonly seconds: number }
  /** Too many sign in at once; this try counts for nothing. */
  | { readonly outcome: 'crowded' }
  /** The password was right and works once: another one is to be chosen, and what was chosen will not do or nothing was. */
  | { readonly outcome: 'choose-password'; readonly fault: 'none-chosen' | 'wrong-length' | 'same-again' };

/** Who can sign in. */
export interface People {
  byLogin(login: string): Promise<Person | undefined>;
  byId(id: string): Promise<Person | undefined>;
}

/** What somebody types, and the network from which it comes; `chosen` is what replaces a password that works once. */
export interface Typed {
  readonly login: string;
  readonly password: string;
  readonly chosen?: string;
  readonly from: string;
}

/** Signs a person in by login and password. */
export type SignIn = (typed: Typed) => Promise<SignedIn>;

/** Sign-ins under way at a time: a comparison takes some 15 ms, and who waits for more than a few seconds has gone. */
const mostAtOnce = 200;

/** Signing in among these people. */
export function signInOf(options: {
  people: People;
  vault: Pick<Vault, 'secret' | 'replaceSecret'>;
  attempts: Attempts;
  /** Writes down that a person has chosen another password. */
  changed: (person: string) => Promise<unknown>;
}): SignIn {
  const { people, vault, attempts, changed } = options;
  let underWay = 0;

  const compare: SignIn = async ({ login: typed, password, chosen = '', from }) => {
    const login = normalLogin(typed);
    const seconds = await attempts.begin(login, from);
    if (seconds > 0) return { outcome: 'locked', seconds };
    const person = await people.byLogin(login);
    const secret = person === undefined ? undefined : await vault.secret(person.id);
    if (person === undefined || secret === undefined) {
      await pretendToCompare(password);
      return { outcome: 'wrong' };
    }
    if (!(await passwordMatches(password, secret.hash))) return { outcome: 'wrong' };
    await attempts.forget(login, from);
    if (!secret.once) return { outcome: 'signed-in', person };
    const fault = faultOf(chosen, password);
    if (fault !== undefined) return { outcome: 'choose-password', fault };
    // Of two who know it one is let in.
    if (!(await vault.replaceSecret(person.id, secret.hash, await hashPassword(chosen)))) return { outcome: 'wrong' };
    await changed(person.id);
    return { outcome: 'signed-in', person };
  };

  return async (typed) => {
    if (underWay >= mostAtOnce) return { outcome: 'crowded' };
    underWay += 1;
    try {
      return await compare(typed);
    } finally {
      underWay -= 1;
    }
  };
}

function faultOf(chosen: string, once: string): 'none-chosen' | 'wrong-length' | 'same-again' | undefined {
  if (chosen === '') return 'none-chosen';
  if (chosen.length < passwordLength.least || chosen.length > passwordLength.most) return 'wrong-length';
  return chosen.normalize('NFKC') === once.normalize('NFKC') ? 'same-again' : undefined;
}
