import type { Attempts } from './attempts.ts';
import { type Language, normalLogin } from './domain/account.ts';
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

/** Signs a person in by login and password. */
export type SignIn = (login: string, password: string) => Promise<SignedIn>;

/** Signing in among these people. */
export function signInOf(options: { people: People; vault: Pick<Vault, 'secretHash'>; attempts: Attempts }): SignIn {
  const { people, vault, attempts } = options;
  return async (typed, password) => {
    const login = normalLogin(typed);
    const seconds = await attempts.begin(login);
    if (seconds > 0) return { outcome: 'locked', seconds };
    const person = await people.byLogin(login);
    const hash = person === undefined ? undefined : await vault.secretHash(person.id);
    if (person === undefined || hash === undefined) {
      await pretendToCompare(password);
      return { outcome: 'wrong' };
    }
    if (!(await passwordMatches(password, hash))) return { outcome: 'wrong' };
    await attempts.forget(login);
    return { outcome: 'signed-in', person };
  };
}
