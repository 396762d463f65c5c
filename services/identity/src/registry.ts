import { isRefused } from '@bandeng/decider';
import type { Aggregates, CommandContext, Outcome, Records } from '@bandeng/records';
import type { House } from '@bandeng/service';
import {
  type Account,
  type AccountCommand,
  type AccountEvent,
  type AccountRefusal,
  account,
  type Language,
  normalLogin,
} from './domain/account.ts';
import {
  type ClientCommand,
  type ClientEvent,
  type ClientRefusal,
  client,
  type SystemClient,
} from './domain/client.ts';
import { hashSecret } from './oidc-clients.ts';
import { hashPassword } from './passwords.ts';
import { openVault, type Vault } from './vault.ts';

export type Accounts = Aggregates<Account, AccountCommand, AccountEvent, AccountRefusal>;
type Clients = Aggregates<SystemClient, ClientCommand, ClientEvent, ClientRefusal>;

/** A person to register. */
interface Registration {
  readonly id: string;
  readonly name: string;
  readonly language: Language;
  readonly login?: string;
  readonly password?: string;
  readonly phone?: string;
  readonly email?: string;
}

/** Another system to register. Its secret is drawn by whoever registers it, never chosen. */
interface ClientRegistration {
  readonly id: string;
  readonly name: string;
  readonly secret: string;
  readonly scopes: readonly string[];
  readonly territory: string;
}

/** People and systems: what is known of them, and the vault for what must be able to vanish. */
export interface Registry {
  readonly accounts: Accounts;
  readonly clients: Clients;
  readonly vault: Vault;
  registerAccount(
    registration: Registration,
    context: CommandContext,
  ): Promise<Outcome<Account, AccountEvent, AccountRefusal>>;
  registerClient(
    registration: ClientRegistration,
    context: CommandContext,
  ): Promise<Outcome<SystemClient, ClientEvent, ClientRefusal>>;
}

/** Opens the registry in a house. */
export async function openRegistry({
  records,
  database,
  keys,
}: Pick<House, 'records' | 'database' | 'keys'>): Promise<Registry> {
  const accounts = await openAccounts(records);
  const clients = await records.define({ name: 'clients', decider: client });
  const vault = openVault(database, keys.secret('contacts'));

  const filling = new Map<string, Promise<void>>();
  const fillOnce = async ({ id, password, phone, email }: Registration): Promise<void> => {
    // A repeat would only pay for a hash that is kept already.
    if (password !== undefined && (await accounts.read(id)) !== undefined) return;
    await vault.put({
      owner: id,
      ...(password === undefined ? {} : { secretHash: await hashPassword(password) }),
      ...(phone === undefined && email === undefined
        ? {}
        : { contact: { phone: phone ?? '', ...(email === undefined ? {} : { email }) } }),
    });
  };
  /** The same command many times at once hashes once. */
  const fill = (registration: Registration): Promise<void> => {
    const { id } = registration;
    const under = filling.get(id) ?? fillOnce(registration).finally(() => filling.delete(id));
    filling.set(id, under);
    return under;
  };

  return {
    accounts,
    clients,
    vault,
    registerAccount: async (registration, context) => {
      const { id, name, language, login } = registration;
      await fill(registration);
      const outcome = await accounts.run(id, context, () => ({
        command: {
          type: 'register-account',
          at: context.at,
          name: 'name',
          language,
          ...(login === undefined ? {} : { login: 'login' }),
        },
        words: {
          name: { by: id, text: name },
          ...(login === undefined ? {} : { login: { by: id, text: normalLogin(login) } }),
        },
      }));
      if (isRefused(outcome)) await forget(accounts, vault, id);
      return about(outcome);
    },
    registerClient: async ({ id, secret, name, scopes, territory }, context) => {
      await vault.put({ owner: id, secretHash: hashSecret(secret) });
      const command = { type: 'register-client', at: context.at, name, scopes, territory } as const;
      const outcome = await clients.run(id, context, () => ({ command }));
      if (isRefused(outcome)) await forget(clients, vault, id);
      return outcome;
    },
  };
}

function openAccounts(records: Records): Promise<Accounts> {
  return records.define({
    name: 'accounts',
    decider: account,
    indexes: [
      {
        name: 'login',
        key: { 'words.login.text': 1 },
        unique: true,
        // Those without one, and those whose words were taken away, do not meet each other.
        partialFilterExpression: { 'words.login.text': { $gt: '' } },
      },
    ],
    refusals: { login: 'login-taken' },
  });
}

/** The vault is filled before the aggregate is written, so that no account lacks what it needs; here it is cleared again. */
async function forget(aggregates: Pick<Accounts | Clients, 'read'>, vault: Vault, id: string): Promise<void> {
  if ((await aggregates.read(id)) === undefined) await vault.erase(id);
}

function about(outcome: Outcome<Account, AccountEvent, AccountRefusal>) {
  return isRefused(outcome) && outcome.refused === 'login-taken' ? { ...outcome, field: 'login' } : outcome;
}
