import type { House } from '@bandeng/service';
import type { Configuration } from './config.ts';
import { clientsOfPeople } from './oidc-clients.ts';
import { openProvider, type RunningProvider } from './provider.ts';
import { peopleOf, systemsOf } from './queries.ts';
import type { Registry } from './registry.ts';
import { openSignIn } from './sign-in.ts';
import { signingKeys } from './signing-keys.ts';

/** Opens the provider over the registry of this house, for towns without an identity provider. */
export async function embeddedProvider(
  { database, keys, log }: Pick<House, 'database' | 'keys' | 'log'>,
  registry: Registry,
  configuration: Configuration,
): Promise<RunningProvider> {
  const people = peopleOf(registry);
  const { vault } = registry;
  return openProvider({
    ...configuration,
    database,
    keys: { signing: await signingKeys(configuration.signingKeys), cookies: keys.secret('cookies') },
    accounts: {
      people,
      signIn: await openSignIn({ database, people, vault, key: keys.secret('sign-in-attempts') }),
      systems: systemsOf(registry),
    },
    clients: clientsOfPeople(configuration.web),
    log,
  });
}
