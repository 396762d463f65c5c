import type { Document } from '@bandeng/records';
import type { Systems } from './oidc-clients.ts';
import type { Accounts, Registry } from './registry.ts';
import type { People, Person } from './sign-in.ts';

const readTime = 2_000;

/** People as the provider asks for them. */
export function peopleOf({ accounts }: Pick<Registry, 'accounts'>): People {
  const one = async (filter: Document): Promise<Person | undefined> => {
    const document = await accounts.collection.findOne(filter, { projection: { history: 0 }, maxTimeMS: readTime });
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
      if (stored === undefined || secretHash === undefined) return undefined;
      const { name, scopes, territory } = stored.state;
      return { id, name, scopes, territory, secretHash };
    },
  };
}

/** Names by id; whoever is not known is left out. */
export async function namesOf(
  { accounts }: Pick<Registry, 'accounts'>,
  people: readonly string[],
): Promise<Map<string, string>> {
  const found = accounts.collection.find(
    { _id: { $in: [...new Set(people)] } },
    { projection: { history: 0 }, maxTimeMS: readTime },
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
