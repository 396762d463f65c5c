import { isRefused } from '@bandeng/decider';
import { prefixes } from '@bandeng/directory';
import {
  type Aggregates,
  authorsIndex,
  authorsOf,
  type CommandContext,
  type IndexDescription,
  type Outcome,
  type Records,
} from '@bandeng/records';
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
import {
  type ContactReading,
  type ContactReadingCommand,
  type ContactReadingEvent,
  contactReading,
} from './domain/contact-reading.ts';
import { hashSecret } from './oidc-clients.ts';
import { hashPassword } from './passwords.ts';
import { type Contact, openVault, type Vault } from './vault.ts';

export type Accounts = Aggregates<Account, AccountCommand, AccountEvent, AccountRefusal>;
export type Clients = Aggregates<SystemClient, ClientCommand, ClientEvent, ClientRefusal>;
export type ContactReadings = Aggregates<ContactReading, ContactReadingCommand, ContactReadingEvent, never>;

/** A person to register. */
interface Registration {
  readonly id: string;
  readonly name: string;
  readonly language: Language;
  readonly login?: string;
  readonly password?: string;
  readonly contact?: Contact;
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
  readonly readings: ContactReadings;
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
  now,
}: Pick<House, 'records' | 'database' | 'keys' | 'now'>): Promise<Registry> {
  const [accounts, clients, readings, vault] = await Promise.all([
    openAccounts(records),
    openClients(records),
    openReadings(records),
    openVault(database, keys.secret('contacts'), now),
  ]);

  const filling = new Map<string, Promise<void>>();
  const fillOnce = async (id: string, password: string | undefined, contact: Contact | undefined): Promise<void> => {
    // A repeat would only pay for a hash that is kept already.
    if (password !== undefined && (await accounts.read(id)) !== undefined) return;
    await vault.put({
      owner: id,
      ...(password === undefined ? {} : { secretHash: await hashPassword(password) }),
      ...(contact === undefined ? {} : { contact }),
    });
  };
  /** The same command many times at once hashes once. */
  const fill = (...[id, password, contact]: Parameters<typeof fillOnce>): Promise<void> => {
    const under = filling.get(id) ?? fillOnce(id, password, contact).finally(() => filling.delete(id));
    filling.set(id, under);
    return under;
  };

  return {
    accounts,
    clients,
    readings,
    vault,
    registerAccount: async ({ id, name, language, login, password, contact }, context) => {
      await fill(id, password, contact);
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
      ended('erasedAt'),
    ],
    refusals: { login: 'login-taken' },
  });
}

function openClients(records: Records): Promise<Clients> {
  return records.define({
    name: 'clients',
    decider: client,
    territories: ({ territory }) => prefixes(territory),
    indexes: [{ name: 'in-territory', key: { territories: 1, registeredAt: -1, _id: -1 } }, ended('endedAt')],
  });
}

function openReadings(records: Records): Promise<ContactReadings> {
  return records.define({
    name: 'contact_readings',
    decider: contactReading,
    search: (_state, words) => ({ by: authorsOf(words) }),
    indexes: [
      { name: 'of-person', key: { person: 1, readAt: -1, _id: -1 } },
      { name: 'of-reader', key: { reader: 1, readAt: -1, _id: -1 } },
      authorsIndex,
    ],
  });
}

/** Few end, so the index holds only those. */
function ended(field: string): IndexDescription {
  return { name: 'ended', key: { [field]: 1 }, partialFilterExpression: { [field]: { $exists: true } } };
}

/** The vault is filled before the aggregate is written, so that no account lacks what it needs; here it is cleared again. */
async function forget(aggregates: Pick<Accounts | Clients, 'read'>, vault: Vault, id: string): Promise<void> {
  if ((await aggregates.read(id)) === undefined) await vault.erase(id);
}

function about(outcome: Outcome<Account, AccountEvent, AccountRefusal>) {
  return isRefused(outcome) && outcome.refused === 'login-taken' ? { ...outcome, field: 'login' } : outcome;
}
