import { type AccessObject, actionsOf, type HeldPosting, type Role } from '@bandeng/access';
import type { Account as AccountMessage, Capacity, Me } from '@bandeng/contracts/identity';
import type { Role_Value as RoleMessage } from '@bandeng/contracts/orggraph';
import { isRefused, refuse } from '@bandeng/decider';
import { derivedId, type Stored } from '@bandeng/records';
import { type Call, type Implementation, implement, type JsonWebKeySet } from '@bandeng/rpc';
import { type CommonRefusal, commonRefusals, type House, hidden } from '@bandeng/service';
import { type Account, type AccountEvent, type AccountRefusal, isLanguage } from './domain/account.ts';
import { namesOf } from './queries.ts';
import type { Registry } from './registry.ts';

type StoredAccount = Stored<Account, AccountEvent>;

/** Identity over gRPC. */
export function identityRpc(house: House, registry: Registry, keySet: () => Promise<JsonWebKeySet>): Implementation {
  const { access, directory, now, city } = house;

  /** An account has no place of its own; it lies where the person holds postings, and always in the city. */
  const placesOf = (person: string): string[] => [
    ...new Set([
      city,
      ...directory.postingsOf(person, now()).flatMap(({ unit, territory }) => {
        const place = territory ?? (unit === undefined ? undefined : directory.unit(unit)?.territory);
        return place === undefined ? [] : directory.ancestors(place);
      }),
    ]),
  ];
  const objectOf = (person: string): AccessObject => ({ person, territories: placesOf(person) });

  const capacity = (held: HeldPosting): Capacity[] => {
    const posting = directory.posting(held.id);
    const role = spelledRole[held.role];
    if (posting === undefined || role === undefined) return [];
    const { version, person, from, until } = posting;
    return [
      {
        posting: {
          id: held.id,
          version,
          person,
          role,
          unit: held.unit ?? '',
          territory: held.territory ?? '',
          validFrom: new Date(from),
          validUntil: Number.isFinite(until) ? new Date(until) : undefined,
        },
        place: nameOf(held),
        actions: actionsOf(held.role),
      },
    ];
  };
  const nameOf = ({ unit, territory }: HeldPosting): string =>
    (unit === undefined ? directory.territory(territory ?? '') : directory.unit(unit))?.name ?? '';

  const me = async ({ caller }: Call): Promise<Me> => {
    const nobody: Me = { account: undefined, client: '', scopes: [], territory: '', capacities: [] };
    switch (caller.kind) {
      case 'person': {
        // Under a city's own issuer somebody may sign in who was never registered here.
        const stored = await registry.accounts.read(caller.id);
        return {
          ...nobody,
          account: stored === undefined ? undefined : messageOf(stored),
          capacities: directory.postingsOf(caller.id, now()).flatMap(capacity),
        };
      }
      case 'client':
        return { ...nobody, client: caller.id, scopes: [...caller.scopes], territory: caller.territory };
      case 'service':
      case 'guest':
        return nobody;
    }
  };

  return implement<'identity', AccountRefusal | CommonRefusal>(
    'identity',
    {
      getMe: (_request, call) => me(call),

      async registerAccount({ login, password, name, phone, email, language }, call) {
        const granted = access.permit(call, {});
        if (isRefused(granted)) return granted;
        const outcome = await registry.registerAccount(
          {
            id: derivedId('account', call.commandId),
            login,
            name,
            language: isLanguage(language) ? language : 'zh-CN',
            ...(password === '' ? {} : { password }),
            ...(phone === '' ? {} : { phone }),
            ...(email === '' ? {} : { email }),
          },
          {
            id: call.commandId,
            request: call.requestHash,
            at: now().toISOString(),
            actor: access.actor(call, granted),
            trace: call.trace,
          },
        );
        if (isRefused(outcome)) return outcome;
        if (outcome.replayed) call.replayed();
        return messageOf(outcome.stored);
      },

      async getAccount({ id }, call) {
        const granted = access.permit(call, objectOf(id));
        if (isRefused(granted)) return hidden(granted, 'not-found');
        const stored = await registry.accounts.read(id);
        return stored === undefined ? refuse('not-found', { field: 'id' }) : messageOf(stored);
      },

      listNames: async ({ people }) => ({ names: Object.fromEntries(await namesOf(registry, people)) }),

      async getContactForDelivery({ person }) {
        const [stored, contact] = await Promise.all([registry.accounts.read(person), registry.vault.contact(person)]);
        return { email: contact?.email ?? '', language: stored?.state.language ?? '' };
      },

      getKeySet: async () => ({ json: JSON.stringify(await keySet()) }),
    },
    {
      ...commonRefusals,
      'login-taken': { kind: 'rule', title: 'Somebody else signs in by that login' },
      'already-registered': { kind: 'state', title: 'That person is registered already' },
    },
  );
}

function messageOf({ id, version, state, words }: StoredAccount): AccountMessage {
  return {
    id,
    version,
    name: words[state.name]?.text ?? '',
    language: state.language,
    registeredAt: new Date(state.registeredAt),
  };
}

/** How the contract spells roles. Nobody holds `system` by a posting. */
const spelledRole: { readonly [R in Role]: RoleMessage | undefined } = {
  resident: 'RESIDENT',
  volunteer: 'VOLUNTEER',
  member: 'MEMBER',
  building_head: 'BUILDING_HEAD',
  grid_worker: 'GRID_WORKER',
  property_worker: 'PROPERTY_WORKER',
  compound_secretary: 'COMPOUND_SECRETARY',
  community_dispatcher: 'COMMUNITY_DISPATCHER',
  community_secretary: 'COMMUNITY_SECRETARY',
  street_officer: 'STREET_OFFICER',
  organ_liaison: 'ORGAN_LIAISON',
  district_supervisor: 'DISTRICT_SUPERVISOR',
  city_supervisor: 'CITY_SUPERVISOR',
  auditor: 'AUDITOR',
  administrator: 'ADMINISTRATOR',
  system: undefined,
};
