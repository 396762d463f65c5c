/** What the handlers of this service share: what it knows, and how a command is run and answered. */
import { createHmac } from 'node:crypto';
import type { Granted, HeldPosting, Role } from '@bandeng/access';
import type { Account as AccountMessage, Contact as ContactMessage } from '@bandeng/contracts/identity';
import type { Role_Value as RoleMessage } from '@bandeng/contracts/orggraph';
import type { CommandContext, Stored } from '@bandeng/records';
import type { Call } from '@bandeng/rpc';
import type { House } from '@bandeng/service';
import { type Attempts, openAttempts } from './attempts.ts';
import type { Configuration } from './config.ts';
import type { Account, AccountEvent } from './domain/account.ts';
import { type EndedGrants, openEndedGrants } from './ended-grants.ts';
import { type EndSessions, openEndSessions } from './oidc-store.ts';
import type { Registry } from './registry.ts';
import type { Contact } from './vault.ts';

export type StoredAccount = Stored<Account, AccountEvent>;

export interface Office {
  readonly house: House;
  readonly registry: Registry;
  readonly attempts: Attempts;
  readonly endSessions: EndSessions;
  readonly endedGrants: EndedGrants;
  /** Hides in hashes of requests what these say. */
  readonly requestKey: Buffer;
}

export async function openOffice(
  house: House,
  registry: Registry,
  { accessTokenSeconds }: Pick<Configuration, 'accessTokenSeconds'>,
): Promise<Office> {
  const { database, keys, now, bus } = house;
  const hint = () => bus.hint('identity', 'ended');
  const endedGrants = await openEndedGrants({ database, accessTokenSeconds, now, hint });
  const [attempts, endSessions] = await Promise.all([
    openAttempts(database, keys.secret('sign-in-attempts')),
    openEndSessions(database, endedGrants),
  ]);
  return { house, registry, attempts, endSessions, endedGrants, requestKey: keys.secret('requests') };
}

/** What a command brings along, from the call that asks for it. */
export function contextOf({ house, requestKey }: Office, call: Call, granted?: Granted): CommandContext {
  // Requests hold passwords, phones and names, of which a plain hash would give away every guess.
  const request = createHmac('sha256', requestKey).update(call.requestHash).digest('base64url');
  return { ...house.access.context(call, granted), request };
}

/** The person who calls; undefined for everybody else. */
export function personOf({ caller }: Call): string | undefined {
  return caller.kind === 'person' ? caller.id : undefined;
}

/** Name of the unit or territory of a posting. */
export function placeNameOf({ directory }: Pick<House, 'directory'>, { unit, territory }: HeldPosting): string {
  return (unit === undefined ? directory.territory(territory ?? '') : directory.unit(unit))?.name ?? '';
}

export function accountMessage({ id, version, state, words }: StoredAccount): AccountMessage {
  return {
    id,
    version,
    name: words[state.name]?.text ?? '',
    language: state.language,
    registeredAt: new Date(state.registeredAt),
    erasedAt: state.erasedAt === undefined ? undefined : new Date(state.erasedAt),
  };
}

export function contactMessage(contact: Contact | undefined): ContactMessage {
  return contact === undefined ? { phone: '', email: '' } : { ...contact };
}

/** A contact as a request brings it; undefined when it says nothing. */
export function contactOf({ phone, email }: Contact): Contact | undefined {
  return phone === '' && email === '' ? undefined : { phone, email };
}

/** How the contract spells roles. Nobody holds `system` by a posting. */
export const spelledRole: { readonly [R in Role]: RoleMessage } = {
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
  system: 'UNSPECIFIED',
};
