/** The account of the first administrator of an installation, whom nobody who is signed in could register. */
import { isRefused, type Refused, refuse } from '@bandeng/decider';
import { derivedId, type RecordsRefusal } from '@bandeng/records';
import type { House } from '@bandeng/service';
import { type AccountRefusal, type Language, normalLogin } from './domain/account.ts';
import { hashPassword } from './passwords.ts';
import { openRegistry } from './registry.ts';

export { isLanguage } from './domain/account.ts';

/** Who is to be registered. */
export interface FirstAdministrator {
  readonly login: string;
  readonly name: string;
  readonly language: Language;
  /** Works once: the first sign-in asks for another. Left out where another issuer signs people in. */
  readonly password?: string;
}

/** The account that this login gets: the same however often it is asked for, so that what was cut off can be finished. */
export function administratorOf(login: string): string {
  return derivedId('first-administrator', normalLogin(login));
}

/** What the operator can do about that account. */
export interface AdministratorsAccount {
  /** Registers it by the service's own command and gives it the password. */
  register(asked: FirstAdministrator): Promise<{ readonly id: string } | Refused<AccountRefusal | RecordsRefusal>>;
  /** Whether it still has the password it was given, so that it may get another one. */
  neverUsed(id: string): Promise<boolean>;
}

/** Opens the registry in a house for that. */
export async function administratorsAccount(
  house: Pick<House, 'records' | 'database' | 'keys' | 'now'>,
): Promise<AdministratorsAccount> {
  const registry = await openRegistry(house);
  return {
    async register({ login, name, language, password }) {
      const id = administratorOf(login);
      const context = { id: `administrator:${id}`, at: house.now().toISOString(), actor: { system: 'identity' } };
      const outcome = await registry.registerAccount({ id, login, name, language }, context);
      if (isRefused(outcome)) return outcome;
      if (outcome.stored.state.erasedAt !== undefined) return refuse('erased');
      if (password !== undefined) {
        await registry.vault.change({ owner: id, secretHash: await hashPassword(password), once: true });
      }
      return { id };
    },
    neverUsed: async (id) => (await registry.vault.secret(id))?.once === true,
  };
}
