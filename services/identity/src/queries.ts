import type { Filter as Permitted } from '@bandeng/access';
import type { EndedGrant } from '@bandeng/contracts/identity';
import { type Document, type Filter, olderThan, type RecordDocument, readTime, type Stored } from '@bandeng/records';
import type { ClientEvent, SystemClient } from './domain/client.ts';
import type { ContactReading, ContactReadingEvent } from './domain/contact-reading.ts';
import type { EndedGrants } from './ended-grants.ts';
import type { Systems } from './oidc-clients.ts';
import type { Accounts, Clients, ContactReadings, Registry } from './registry.ts';
import type { People, Person } from './sign-in.ts';

const withoutHistory = { history: 0 } as const;

/** People as the provider asks for them. Nobody signs in as somebody who was erased. */
export function peopleOf({ accounts }: Pick<Registry, 'accounts'>): People {
  const one = async (filter: Document): Promise<Person | undefined> => {
    const living = { ...filter, erasedAt: { $exists: false } };
    const document = await accounts.collection.findOne(living, { projection: withoutHistory, maxTimeMS: readTime });
    return document === null ? undefined : personOf(accounts, document);
  };
  return {
    byId: (id) => one({ _id: id }),
    byLogin: (login) => one({ 'words.login.text': login }),
  };
}

/** Systems as the provider asks for them. Without a kept hash there is no such client. */
export function systemsOf({ clients, vault }: Pick<Registry, 'clients' | 'vault'>): Systems {
  return {
    byId: async (id) => {
      const [stored, secretHash] = await Promise.all([clients.read(id), vault.secretHash(id)]);
      if (stored === undefined || stored.state.endedAt !== undefined || secretHash === undefined) return undefined;
      const { name, scopes, territory } = stored.state;
      return { id, name, scopes, territory, secretHash };
    },
  };
}

/** Names by id; whoever is not known, or was erased, is left out. */
export async function namesOf(
  { accounts }: Pick<Registry, 'accounts'>,
  people: readonly string[],
): Promise<Map<string, string>> {
  const found = accounts.collection.find(
    { _id: { $in: [...new Set(people)] } },
    { projection: withoutHistory, maxTimeMS: readTime },
  );
  const names = new Map<string, string>();
  for await (const document of found) {
    const { id, name } = personOf(accounts, document);
    if (name !== '') names.set(id, name);
  }
  return names;
}

function personOf(accounts: Accounts, document: Document): Person {
  const { id, state, words } = accounts.stored(document);
  return { id, name: words[state.name]?.text ?? '', language: state.language };
}

/** Where a page of a list that is sorted by an instant, newest first, ended. */
export interface PageKey {
  readonly at: string;
  readonly id: string;
}

/** One page, and where it ended if there is more. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly last: PageKey | undefined;
}

type StoredReading = Stored<ContactReading, ContactReadingEvent>;
type StoredClient = Stored<SystemClient, ClientEvent>;

/** One page of the readings of a person's contact, or of those by a reader, newest first. */
export async function readingsPage(
  readings: ContactReadings,
  whose: { readonly person: string } | { readonly reader: string },
  size: number,
  after: PageKey | undefined,
): Promise<Page<StoredReading>> {
  const found = await readings.collection.find(behind(whose, 'readAt', after), newestFirst('readAt', size)).toArray();
  const items = found.slice(0, size).map((document) => readings.stored(document));
  const last = found.length > size ? items.at(-1) : undefined;
  return { items, last: last && { at: last.state.readAt, id: last.id } };
}

/** Ids of all readings of a person's contact. */
export async function readingsAbout(readings: ContactReadings, person: string): Promise<string[]> {
  const found = readings.collection.find({ person }, { projection: { _id: 1 }, maxTimeMS: 10 * readTime });
  return (await found.toArray()).map(({ _id }) => _id);
}

/** One page of the systems that are visible, newest first. */
export async function clientsPage(
  clients: Clients,
  visible: Permitted | undefined,
  size: number,
  after: PageKey | undefined,
): Promise<Page<StoredClient>> {
  if (visible === undefined) return { items: [], last: undefined };
  const found = await clients.collection
    .find(behind({ ...visible }, 'registeredAt', after), newestFirst('registeredAt', size))
    .toArray();
  const items = found.slice(0, size).map((document) => clients.stored(document));
  const last = found.length > size ? items.at(-1) : undefined;
  return { items, last: last && { at: last.state.registeredAt, id: last.id } };
}

function newestFirst(field: string, size: number) {
  return {
    projection: withoutHistory,
    sort: { [field]: -1, _id: -1 },
    limit: size + 1,
    maxTimeMS: readTime,
  } as const;
}

function behind(filter: Document, field: string, after: PageKey | undefined): Filter<RecordDocument> {
  if (after === undefined) return filter;
  return { $and: [filter, olderThan(field, { at: new Date(after.at), id: after.id })] };
}

const mostEnded = 5_000;

/** Erased people, ended systems and ended grants since an instant, those that ended first; all up to `upTo` when there are more. */
export async function endedSince(
  { accounts, clients }: Pick<Registry, 'accounts' | 'clients'>,
  endedGrants: Pick<EndedGrants, 'since'>,
  since: Date | undefined,
  most = mostEnded,
): Promise<{ people: string[]; clients: string[]; grants: EndedGrant[]; upTo: Date | undefined }> {
  const ended = async ({ collection }: Pick<Accounts | Clients, 'collection'>, at: 'erasedAt' | 'endedAt') => {
    const filter = { [at]: since === undefined ? { $exists: true } : { $gte: since } };
    const options = { projection: { [at]: 1 }, sort: { [at]: 1 }, limit: most, maxTimeMS: readTime } as const;
    const found = await collection.find(filter, options).toArray();
    return found.map((document) => ({ id: document._id, at: document[at] }));
  };
  const [people, systems, grants] = await Promise.all([
    ended(accounts, 'erasedAt'),
    ended(clients, 'endedAt'),
    endedGrants.since(since, most),
  ]);
  const cutOff = [people, systems, grants.map(({ endedAt: at }) => ({ at }))]
    .map((each) => (each.length === most ? each.at(-1)?.at : undefined))
    .filter((instant) => instant instanceof Date);
  return {
    people: people.map(({ id }) => id),
    clients: systems.map(({ id }) => id),
    grants: grants.map(({ _id: id, forgetAt }) => ({ id, forgetAt })),
    upTo: cutOff.sort((one, other) => one.getTime() - other.getTime())[0],
  };
}

/** Of these ids those that are people or systems now, neither erased nor ended. */
export async function living(
  { accounts, clients }: Pick<Registry, 'accounts' | 'clients'>,
  ids: readonly string[],
): Promise<Set<string>> {
  const options = { projection: { _id: 1 }, maxTimeMS: readTime } as const;
  const found = await Promise.all([
    accounts.collection.find({ _id: { $in: [...ids] }, erasedAt: { $exists: false } }, options).toArray(),
    clients.collection.find({ _id: { $in: [...ids] }, endedAt: { $exists: false } }, options).toArray(),
  ]);
  return new Set(found.flat().map(({ _id }) => _id));
}
