import { publishing } from '@bandeng/events';
import { defineService, runService } from '@bandeng/service';
import { configure } from './config.ts';
import { embeddedProvider } from './embedded-provider.ts';
import { erasureReactions } from './erasing.ts';
import { keysOfForeignIssuer } from './foreign-issuer.ts';
import { openOffice } from './office.ts';
import { accountPublications, clientPublications, contactReadingPublications } from './publications.ts';
import { openRegistry } from './registry.ts';
import { identityRpc } from './rpc.ts';
import { vaultSweep } from './sweeps.ts';

/** Accounts, and signing in. */
export const identity = defineService({
  name: 'identity',
  configure,
  async start(house, configuration) {
    const registry = await openRegistry(house);
    const office = await openOffice(house, registry, configuration);
    const provider = configuration.embedded ? await embeddedProvider(office, configuration) : undefined;
    const foreign = keysOfForeignIssuer(configuration.issuer);
    const keySet = async () => (provider === undefined ? foreign() : { keys: [...provider.keySet.keys] });
    return {
      implementations: [identityRpc(office, keySet)],
      publications: [
        publishing(registry.accounts, accountPublications),
        publishing(registry.clients, clientPublications),
        publishing(registry.readings, contactReadingPublications),
      ],
      reactions: erasureReactions(office),
      sweeps: [vaultSweep(registry, house)],
      stop: async () => provider?.close(),
    };
  },
});

if (import.meta.main) await runService(identity);
