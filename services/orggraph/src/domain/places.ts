/** Where each role is held: a liaison at a unit, all others at a territory, most of them at one kind of it. */
import type { TerritoryKind } from './territory.ts';

const places = {
  resident: 'anywhere',
  volunteer: 'anywhere',
  member: ['community'],
  building_head: ['building'],
  grid_worker: ['grid', 'community'],
  property_worker: 'anywhere',
  compound_secretary: ['compound'],
  community_dispatcher: ['community'],
  community_secretary: ['community'],
  street_officer: ['street'],
  organ_liaison: 'unit',
  district_supervisor: ['district'],
  city_supervisor: ['city'],
  auditor: 'anywhere',
  administrator: 'anywhere',
} as const satisfies Record<string, 'unit' | 'anywhere' | readonly TerritoryKind[]>;

/** A role that a person holds by a posting. */
export type Role = keyof typeof places;

export const heldRoles = Object.keys(places).filter(isHeldRole);

function isHeldRole(word: string): word is Role {
  return Object.hasOwn(places, word);
}

/** Where the role is held, in words. */
export function placeOf(role: Role): string {
  const place = places[role];
  return typeof place === 'string' ? place : place.join(' or ');
}

export function isHeldAt(role: Role, kind: TerritoryKind): boolean {
  const place: 'unit' | 'anywhere' | readonly TerritoryKind[] = places[role];
  return place === 'anywhere' || (place !== 'unit' && place.includes(kind));
}
