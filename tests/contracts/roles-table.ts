/**
 * Who may call what, on what: written by hand. It is compared with what the running system answers,
 * so a right that is given or taken by mistake shows as a difference here.
 */

/** Callers of the demo city: one login for each role, a guest, and two systems. */
export const callers = [
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
  'guest',
  'demo-system',
  'demo-import',
] as const;

export type CallerName = (typeof callers)[number];

/** An object as the caller sees it: their own, one in the place where they hold their posting, one elsewhere. */
export type Place = 'own' | 'inside' | 'outside';

/** Who may, for each kind of object. `everybody` includes guests, `signed in` is everybody else. */
export type Row = { readonly [P in Place]: readonly CallerName[] };

const people = callers.filter((caller) => caller !== 'guest' && !caller.startsWith('demo-'));
const everybody: readonly CallerName[] = callers;
const signedIn: readonly CallerName[] = callers.filter((caller) => caller !== 'guest');
const nobody: readonly CallerName[] = [];
const same = (who: readonly CallerName[]): Row => ({ own: who, inside: who, outside: who });

/** Those whose posting lies at the ticket's building or above it. */
const around: readonly CallerName[] = [
  'building_head',
  'grid_worker',
  'compound_secretary',
  'community_dispatcher',
  'community_secretary',
  'street_officer',
  'district_supervisor',
  'city_supervisor',
];
const readers: Row = {
  own: [...people, 'demo-system'],
  inside: [...around, 'auditor', 'demo-system'],
  outside: ['city_supervisor', 'auditor', 'demo-system'],
};
const community: Row = { own: nobody, inside: ['community_dispatcher', 'community_secretary'], outside: nobody };
/** The ticket inside is dispatched to the demo grid. */
const handling: Row = { own: nobody, inside: ['grid_worker'], outside: nobody };
const pausing: Row = {
  own: nobody,
  inside: ['grid_worker', 'community_dispatcher', 'community_secretary'],
  outside: nobody,
};
const orderers: Row = { own: people, inside: nobody, outside: nobody };
const administration: Row = same(['administrator']);
const postingReaders: Row = {
  own: people,
  inside: ['community_dispatcher', 'community_secretary', 'auditor', 'administrator'],
  outside: ['auditor', 'administrator'],
};

/** Inside is a member of the community; the grid covers the compound of the building, where no member of it lives. */
const contactReaders: Row = {
  own: nobody,
  inside: ['community_dispatcher', 'community_secretary'],
  outside: nobody,
};

/** Every RPC that has a route. */
export const table: { readonly [rpc: string]: Row } = {
  'tickets.OrderTicket': same(callers.filter((caller) => !caller.startsWith('demo-'))),
  'tickets.ImportTicket': same(['demo-import']),
  'tickets.ListTickets': same(signedIn),
  'tickets.GetTicket': readers,
  'tickets.GetTicketTimeline': readers,
  'tickets.DispatchTicket': community,
  'tickets.AcceptTicket': handling,
  'tickets.DeclineTicket': handling,
  'tickets.NoteTicket': { own: ['city_supervisor'], inside: around, outside: ['city_supervisor'] },
  'tickets.ResolveTicket': handling,
  'tickets.RateTicket': orderers,
  'tickets.RejectTicket': community,
  'tickets.WithdrawTicket': orderers,
  'tickets.SuspendTicket': pausing,
  'tickets.ResumeTicket': pausing,
  'tickets.FollowTicket': same(everybody),
  'tickets.RateFollowedTicket': same(everybody),
  'tickets.RegisterCategory': same(['administrator', 'demo-import']),
  'tickets.ListCategories': same(everybody),
  'tickets.GetCategory': same(everybody),
  'orggraph.RegisterUnit': administration,
  'orggraph.ListUnits': same(signedIn),
  'orggraph.GetUnit': same(signedIn),
  'orggraph.RegisterTerritory': administration,
  'orggraph.CoverTerritories': administration,
  'orggraph.ListTerritories': same(everybody),
  'orggraph.GetTerritory': same(everybody),
  'orggraph.StartPosting': administration,
  'orggraph.ListPostings': same(signedIn),
  'orggraph.GetPosting': postingReaders,
  'orggraph.EndPosting': administration,
  'identity.GetMe': same(signedIn),
  'identity.RegisterAccount': administration,
  'identity.GetAccount': { own: people, inside: ['administrator'], outside: ['administrator'] },
  'identity.GetMyContact': same(people),
  'identity.ChangeMyContact': same(people),
  'identity.ChangeMyPassword': same(people),
  'identity.ListMyContactReadings': same(signedIn),
  'identity.GetMyData': same(people),
  'identity.ReadContact': contactReaders,
  'identity.EraseAccount': { own: people, inside: ['administrator'], outside: ['administrator'] },
  'identity.RegisterClient': administration,
  'identity.ListClients': same(signedIn),
  'identity.GetClient': administration,
  'identity.EndClient': administration,
  'notifications.ListInbox': same(signedIn),
  'notifications.GetNotice': { own: people, inside: nobody, outside: nobody },
  'notifications.ReadNotice': { own: people, inside: nobody, outside: nobody },
  'notifications.GetNoticePreferences': same(signedIn),
  'notifications.SetNoticePreferences': same(people),
  'notifications.ListMyDeliveries': same(signedIn),
  'notifications.ListFailedDeliveries': same(['administrator']),
};
