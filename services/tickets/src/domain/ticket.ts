/**
 * The ticket: 群众点单、社区派单、党员接单、群众评单. A resident orders, the community dispatches, somebody accepts, works and
 * resolves, the resident rates. Here are the nouns: where a ticket stands, what happens to it, what people do to it, and why it
 * may be refused. What may happen says decision.ts, what follows from it evolution.ts, what time does passing-time.ts.
 */
import type { WorkingCalendar } from './calendar.ts';
import type { Urgency } from './deadlines.ts';
import type { Dispatchable, Handler } from './handler.ts';

/** ISO 8601 in UTC with milliseconds, so that instants compare as text. */
export type Instant = string;
/** Names an entry of the document's words: what people wrote lies there alone and can be erased there. */
export type WordId = string;
export type Source = 'resident' | 'guest' | 'on_behalf' | 'system' | 'import';
/** The five levels of GB/T 39734: 非常不满意 1 to 非常满意 5. */
export type Satisfaction = 1 | 2 | 3 | 4 | 5;
export type RejectionReason =
  | 'not_ours'
  | 'duplicate'
  | 'legal_procedure'
  | 'unclear'
  | 'not_permitted'
  | 'will_not_do';

/** A photo or document: what is wrong, or what was done. */
export interface Evidence {
  readonly file: string;
  readonly kind: 'photo' | 'document';
  readonly bytes: number;
  /** Who added it. */
  readonly by: string;
  readonly addedAt: Instant;
}

/** What was ordered; it does not change. */
export interface Order {
  /** For people, as on the phone: district, day, serial. */
  readonly number: string;
  readonly territory: string;
  /** The territory, all above it, and the grids that cover it. */
  readonly territories: readonly string[];
  readonly category: string;
  /** The category and all above it. */
  readonly branches: readonly string[];
  readonly urgency: Urgency;
  readonly source: Source;
  /** The person who ordered; nobody for an order without an account or on behalf of a resident. */
  readonly orderer?: string;
  readonly text: WordId;
  readonly place?: WordId;
  readonly displayName?: WordId;
  /** Hash of the code that opens the ticket without an account. */
  readonly followHash: string;
}

/** In whose hands a ticket is. */
export interface Hands {
  readonly handler: Handler;
  readonly dispatcher: string;
  readonly acceptor: string;
}

/** Time to resolve: one deadline, which passes once. */
export interface Clock {
  readonly resolveBy: Instant;
  readonly deadlinePassed: boolean;
}

/** Where a ticket stands, with what counts there. */
export type Standing =
  | { readonly status: 'ordered' }
  | {
      readonly status: 'dispatched';
      readonly handler: Dispatchable;
      readonly dispatcher: string;
      readonly acceptBy: Instant;
    }
  | ({ readonly status: 'in_progress' } & Hands & Clock)
  // While suspended `resolveBy` is what it will be if the ticket resumes at `until`; `left` is working time in milliseconds.
  | ({ readonly status: 'suspended'; readonly until: Instant; readonly left: number } & Hands & Clock)
  | ({ readonly status: 'resolved'; readonly closeAt: Instant } & Hands)
  | ({ readonly status: 'rated' } & Hands)
  | ({ readonly status: 'closed' } & Hands)
  | { readonly status: 'rejected'; readonly rejectionReason: RejectionReason }
  | ({ readonly status: 'withdrawn' } & Partial<Hands>);
export type Status = Standing['status'];

export interface Ticket extends Order {
  readonly standing: Standing;
  readonly orderedAt: Instant;
  readonly changedAt: Instant;
  /** A deadline to resolve has passed, now or before. */
  readonly overdue: boolean;
  readonly reopened: 0 | 1;
  /** The last rating was bad: somebody is to call the one who ordered (回访). */
  readonly followUpDue: boolean;
  readonly rating?: Satisfaction;
  readonly ratingRemark?: WordId;
  readonly resolution?: WordId;
  /** Why it is paused, refused or withdrawn, for the resident. */
  readonly reason?: WordId;
  /** Why the last handler declined, for the dispatcher. */
  readonly declineReason?: WordId;
  /** Oldest first. */
  readonly evidence?: readonly Evidence[];
}

interface Happenings {
  ordered: Order;
  /** A past order taken over from elsewhere, silently. */
  imported: Order & { readonly orderedAt: Instant };
  dispatched: {
    readonly handler: Dispatchable;
    readonly dispatcher: string;
    readonly acceptBy: Instant;
    readonly note?: WordId;
    /** Who had taken it by an open call, and has it no more. */
    readonly acceptor?: string;
  };
  accepted: Hands & { readonly resolveBy: Instant };
  declined: { readonly handler: Dispatchable; readonly dispatcher: string; readonly reason: WordId };
  'acceptance-lapsed': { readonly handler: Dispatchable; readonly dispatcher: string };
  'noted-for-resident': { readonly note: WordId };
  'noted-internally': { readonly note: WordId };
  'evidence-added': Pick<Evidence, 'file' | 'kind' | 'bytes' | 'by'>;
  suspended: Hands & Clock & { readonly reason: WordId; readonly until: Instant; readonly left: number };
  resumed: Hands & Clock & { readonly byItself: boolean };
  'deadline-passed': Hands & { readonly resolveBy: Instant };
  resolved: Hands & { readonly resolution: WordId; readonly closeAt: Instant };
  rated: Hands & { readonly satisfaction: Satisfaction; readonly remark?: WordId; readonly followUpDue: boolean };
  reopened: Hands & { readonly resolveBy: Instant };
  closed: Hands;
  rejected: { readonly reason: RejectionReason; readonly explanation: WordId };
  withdrawn: Partial<Hands> & { readonly reason?: WordId };
  /** Who wrote these was erased; what happened to the ticket stays. */
  'words-erased': { readonly words: readonly WordId[] };
}
/** What happens to a ticket, and when. */
export type TicketEvent = {
  [Type in keyof Happenings]: { readonly type: Type; readonly data: Happenings[Type] & { readonly at: Instant } };
}[keyof Happenings];
export type EventType = TicketEvent['type'];

/** What people do to a ticket. */
interface Doings {
  dispatch: {
    readonly handler: Dispatchable;
    /** Where that unit sits, or that grid or community is; left out when there is no such. */
    readonly whereabouts?: string;
    readonly note?: WordId;
    readonly calendar: WorkingCalendar;
  };
  accept: { readonly calendar: WorkingCalendar };
  decline: { readonly reason: WordId };
  note: { readonly note: WordId; readonly audience: 'resident' | 'internal' };
  attach: Pick<Evidence, 'file' | 'kind' | 'bytes'>;
  suspend: { readonly reason: WordId; readonly until: Instant; readonly calendar: WorkingCalendar };
  resume: { readonly calendar: WorkingCalendar };
  resolve: { readonly resolution: WordId };
  rate: { readonly satisfaction: Satisfaction; readonly remark?: WordId; readonly calendar: WorkingCalendar };
  reject: { readonly reason: RejectionReason; readonly explanation: WordId };
  withdraw: { readonly reason?: WordId };
}
export type Action = keyof Doings;

/** An order before its facts are known: a territory or category that does not exist has no lines above it. */
export type Ordering = Omit<Order, 'territories' | 'branches'> & Partial<Pick<Order, 'territories' | 'branches'>>;

export type TicketCommand = { readonly at: Instant } & (
  | ({ readonly type: 'order' } & Ordering)
  | ({ readonly type: 'import'; readonly orderedAt: Instant } & Ordering)
  /** What time does is done before anything else; this command does nothing more. */
  | { readonly type: 'pass-time' }
  | { readonly type: 'erase-words'; readonly words: readonly WordId[] }
  | { [A in Action]: { readonly type: A; readonly by: string } & Doings[A] }[Action]
);
export type CommandTo<A extends Action> = Extract<TicketCommand, { type: A }>;

export type TicketRefusal =
  | 'not-found'
  | 'not-in-this-state'
  | 'unknown-territory'
  | 'unknown-category'
  | 'unknown-unit'
  | 'unknown-grid'
  | 'unknown-community'
  | 'outside-this-territory'
  | 'not-in-the-future'
  | 'in-the-future'
  | 'beyond-the-calendar'
  | 'too-much-evidence';
