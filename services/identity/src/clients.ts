/** Other systems that act by themselves: registered, listed and ended by administrators. */
import { createHmac } from 'node:crypto';
import type * as contract from '@bandeng/contracts/identity';
import { isRefused, type Refused, refuse } from '@bandeng/decider';
import { normalize } from '@bandeng/directory';
import { derivedId, type Stored } from '@bandeng/records';
import type { Call } from '@bandeng/rpc';
import { hidden } from '@bandeng/service';
import type { ClientEvent, SystemClient } from './domain/client.ts';
import { contextOf, type Office, personOf } from './office.ts';
import { clientsPage, type PageKey } from './queries.ts';
import type { Refusal } from './refusals.ts';

const usualPage = 20;

type Answer = Promise<contract.Client | Refused<Refusal>>;

export function clients(office: Office) {
  const { house, registry } = office;
  const { access, directory } = house;
  return {
    async registerClient({ name, scopes, territory }: contract.RegisterClientRequest, call: Call): Answer {
      const code = normalize(territory) ?? territory;
      const granted = access.permit(call, { territories: directory.ancestors(code) });
      if (isRefused(granted)) return granted;
      if (directory.territory(code) === undefined) return refuse('unknown-territory', { field: 'territory' });
      const id = derivedId('client', call.commandId);
      const secret = secretOf(id, office.requestKey);
      const context = contextOf(office, call, granted);
      const outcome = await registry.registerClient({ id, name, secret, scopes, territory: code }, context);
      if (isRefused(outcome)) return outcome;
      if (outcome.replayed) call.replayed();
      return { ...clientMessage(outcome.stored), secret: outcome.replayed ? '' : secret };
    },

    async listClients(
      { pageSize, pageToken }: contract.ListClientsRequest,
      call: Call,
    ): Promise<contract.ListClientsResponse | Refused<Refusal>> {
      const query = 'clients';
      const reader = personOf(call) ?? '';
      const after = house.pages.open<PageKey>(query, reader, pageToken);
      if (isRefused(after)) return after;
      const { items, last } = await clientsPage(registry.clients, access.filter(call), pageSize || usualPage, after);
      return { clients: items.map(clientMessage), nextPageToken: house.pages.seal(query, reader, last) };
    },

    async getClient({ id }: contract.GetClientRequest, call: Call): Answer {
      const stored = await registry.clients.read(id);
      if (stored === undefined) return refuse('not-found', { field: 'id' });
      const granted = access.permit(call, stored);
      return isRefused(granted) ? hidden(granted, 'not-found') : clientMessage(stored);
    },

    async endClient({ id }: contract.EndClientRequest, call: Call): Answer {
      const stored = await registry.clients.read(id);
      if (stored === undefined) return refuse('not-found', { field: 'id' });
      const granted = access.permit(call, stored);
      if (isRefused(granted)) return hidden(granted, 'not-found');
      const context = contextOf(office, call, granted);
      const outcome = await registry.clients.run(id, context, () => ({
        command: { type: 'end-client', at: context.at },
      }));
      if (isRefused(outcome)) return outcome;
      if (outcome.replayed) call.replayed();
      await registry.vault.erase(id);
      return clientMessage(outcome.stored);
    },
  };
}

/** Derived, never drawn: a try that came half way has put its hash into the vault, and who tries again must have that secret. */
function secretOf(id: string, key: Buffer): string {
  return createHmac('sha256', key).update(`secret of client ${id}`).digest('base64url');
}

function clientMessage({ id, version, state }: Stored<SystemClient, ClientEvent>): contract.Client {
  const { name, scopes, territory, registeredAt, endedAt } = state;
  return {
    id,
    version,
    name,
    scopes: [...scopes],
    territory,
    registeredAt: new Date(registeredAt),
    endedAt: endedAt === undefined ? undefined : new Date(endedAt),
    secret: '',
  };
}
