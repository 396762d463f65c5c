import { randomUUID } from 'node:crypto';
import type { Configuration } from './config.ts';
import type { Office } from './office.ts';
import { clientsOfPeople } from './oidc-clients.ts';
import { openOidcStore } from './oidc-store.ts';
import { openProvider, type RunningProvider } from './provider.ts';
import { peopleOf, systemsOf } from './queries.ts';
import { signInOf } from './sign-in.ts';
import { signingKeys } from './signing-keys.ts';

/** Opens the provider over the registry of this house, for towns without an identity provider. */
export async function embeddedProvider(
  { house, registry, attempts, endedGrants }: Pick<Office, 'house' | 'registry' | 'attempts' | 'endedGrants'>,
  configuration: Configuration,
): Promise<RunningProvider> {
  const { database, keys, log } = house;
  const people = peopleOf(registry);
  const changed = (person: string) => {
    const at = house.now().toISOString();
    const context = { id: `sign-in:${randomUUID()}`, at, actor: { person } };
    return registry.accounts.run(person, context, () => ({ command: { type: 'change-password', at } }));
  };
  return openProvider({
    ...configuration,
    store: await openOidcStore(database, endedGrants),
    keys: { signing: await signingKeys(configuration.signingKeys), cookies: keys.secret('cookies') },
    accounts: {
      people,
      signIn: signInOf({ people, vault: registry.vault, attempts, changed }),
      systems: systemsOf(registry),
    },
    clients: clientsOfPeople(configuration.web),
    log,
  });
}
