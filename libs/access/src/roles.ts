import type { Action } from './actions.ts';

/** The roles. `system` is another system, by the scopes of its token; nobody holds it by a posting. */
export const roles = [
  'resident',
  'volunteer',
  'member',
  'building_head',
  'grid_worker',
  'property_worker',
  'compound_secretary',
  'community_dispatcher',
  'community_secretary',
  'street_officer',
  'organ_liaison',
  'district_supervisor',
  'city_supervisor',
  'auditor',
  'administrator',
  'system',
] as const;

/** What a posting is for. */
export type Role = (typeof roles)[number];

/**
 * Where a right counts. Each is one equality on one field of the object, so that the same table serves a check,
 * a database filter with an index for each branch, and a front end.
 */
export type Where =
  /** The object lies in the posting's (or client's) territory or below it. */
  | 'territory'
  /** The posting's unit has it, or is asked to take it. */
  | 'handled-by-unit'
  /** The posting's grid has it, or is asked to take it. */
  | 'handled-by-grid'
  /** The members of the posting's community are called to take it. */
  | 'called-to-community'
  /** The person took it from an open call. */
  | 'handled-by-person'
  /** Not tied to a place. */
  | 'anywhere';

/** Some actions, and where they are permitted. */
export interface Right {
  readonly where: Where;
  readonly actions: readonly Action[];
}

const supervision: readonly Right[] = [{ where: 'territory', actions: ['tickets.read', 'tickets.note'] }];

const neighbourhood: readonly Right[] = [
  { where: 'territory', actions: ['tickets.read', 'tickets.note', 'tickets.order', 'tickets.attach'] },
];

const community: readonly Right[] = [
  {
    where: 'territory',
    actions: [
      'tickets.read',
      'tickets.order',
      'tickets.dispatch',
      'tickets.reject',
      'tickets.note',
      'tickets.attach',
      'tickets.suspend',
      'tickets.resume',
      'postings.read',
      'contacts.read',
    ],
  },
];

const handling: readonly Action[] = [
  'tickets.read',
  'tickets.accept',
  'tickets.decline',
  'tickets.note',
  'tickets.attach',
  'tickets.resolve',
  'tickets.suspend',
  'tickets.resume',
];

/** Who may do what, and where: the one table of roles × actions × places. */
export const rightsOfRoles: { readonly [R in Role]: readonly Right[] } = {
  resident: [],
  volunteer: [],
  member: [
    { where: 'called-to-community', actions: ['tickets.read', 'tickets.accept'] },
    { where: 'handled-by-person', actions: handling },
  ],
  building_head: neighbourhood,
  grid_worker: [
    ...neighbourhood,
    { where: 'territory', actions: ['contacts.read'] },
    { where: 'handled-by-grid', actions: handling },
  ],
  property_worker: [],
  compound_secretary: neighbourhood,
  community_dispatcher: community,
  community_secretary: community,
  street_officer: supervision,
  organ_liaison: [{ where: 'handled-by-unit', actions: handling }],
  district_supervisor: supervision,
  city_supervisor: supervision,
  auditor: [{ where: 'territory', actions: ['tickets.read', 'postings.read'] }],
  administrator: [
    {
      where: 'territory',
      actions: [
        'categories.register',
        'units.register',
        'territories.register',
        'postings.start',
        'postings.read',
        'postings.end',
        'accounts.read',
        'deliveries.read',
        'accounts.erase',
        'clients.register',
        'clients.read',
        'clients.end',
      ],
    },
    // An account has no place and opens nothing until a posting gives it both.
    { where: 'anywhere', actions: ['accounts.register'] },
  ],
  system: [
    {
      where: 'territory',
      actions: ['tickets.read', 'tickets.order', 'tickets.import', 'tickets.attach', 'categories.register'],
    },
  ],
};

/** Roles that see objects without the personal data in them. */
export const withoutPersonalData: ReadonlySet<Role> = new Set<Role>(['auditor', 'system']);

/** Roles by which a person belongs somewhere: who looks after people there may need to reach them, and reads their contacts. */
export const belonging: ReadonlySet<Role> = new Set<Role>(['resident', 'member']);

/** What everybody may do with what is theirs, by the field of the object that says whose it is. */
export const ownRights: { readonly orderer: readonly Action[]; readonly person: readonly Action[] } = {
  orderer: ['tickets.read', 'tickets.rate', 'tickets.withdraw', 'tickets.attach'],
  person: ['postings.read', 'accounts.read', 'accounts.erase'],
};

/** The actions that a role permits somewhere. */
export function actionsOf(role: Role): Action[] {
  return [...new Set(rightsOfRoles[role].flatMap((right) => right.actions))];
}

/** Whether a word is the name of a role. */
export function isRole(word: string): word is Role {
  return roles.some((role) => role === word);
}
