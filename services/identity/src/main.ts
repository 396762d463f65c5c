import { publishing } from '@bandeng/events';
import { defineService, runService } from '@bandeng/service';
import { configure } from './config.ts';
import { embeddedProvider } from './embedded-provider.ts';
import { keysOfForeignIssuer } from './foreign-issuer.ts';
import { accountPublications, clientPublications } from './publications.ts';
import { openRegistry } from './registry.ts';
import { identityRpc } from './rpc.ts';

/** Accounts, and signing in. */
export const identity = defineService({
  name: 'identity',
  configure,
  async start(house, configuration) {
    const registry = await openRegistry(house);
    const { accounts, clients } = registry;
    const provider = configuration.embedded ? await embeddedProvider(house, registry, configuration) : undefined;
    const foreign = keysOfForeignIssuer(configuration.issuer, house.now);
    const keySet = async () => (provider === undefined ? foreign() : { keys: [...provider.keySet.keys] });
    return {
      implementations: [identityRpc(house, registry, keySet)],
      publications: [publishing(accounts, accountPublications), publishing(clients, clientPublications)],
      stop: async () => provider?.close(),
    };
  },
});

if (import.meta.main) await runService(identity);
