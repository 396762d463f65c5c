import { type Decider, refuse } from '@bandeng/decider';
import type { Channel, Kind } from './preferences.ts';

/** Why a try failed, or why a delivery was given up. */
export type Fault =
  /** Nobody answers there, or not in time. */
  | 'server-away'
  /** It does not take us: password, certificate, sender. */
  | 'server-refuses'
  /** It says: later. */
  | 'server-busy'
  /** It does not take this message. */
  | 'message-refused'
  /** It does not know the address. */
  | 'address-refused'
  /** The person has none. */
  | 'no-address'
  /** Twice somebody ended between the mark before sending and the one after it. */
  | 'uncertain';

/** Why a delivery is not needed any more. */
export type Needless = 'read-already' | 'chosen-otherwise';

/** What a delivery is about: ids, and the number that people read. */
export interface Plan {
  readonly notice: string;
  readonly person: string;
  readonly channel: Channel;
  readonly kind: Kind;
  readonly urgent: boolean;
  /** Type of the event that is told. */
  readonly event: string;
  readonly ticket: string;
  readonly number: string;
  readonly postedAt: string;
  readonly plannedAt: string;
  /** Codes of the places of what it is about, for the rights of administrators. */
  readonly territories: readonly string[];
}

/** One notice on its way to one person by one channel. */
export interface Delivery extends Plan {
  readonly status: 'waiting' | 'sending' | 'sent' | 'failed' | 'dropped';
  /** When it is looked at next; while sending: when whoever sends it counts as gone. */
  readonly due?: string;
  readonly tries: number;
  readonly firstTriedAt?: string;
  /** The message in which it goes out, perhaps with others; kept over all tries, so that a mail server can drop doubles. */
  readonly message?: string;
  /** It was sent again because nobody knows how the last time ended. */
  readonly resumed?: boolean;
  readonly reason?: Fault | Needless;
  readonly endedAt?: string;
  /** Who has it after this channel failed. */
  readonly next?: Channel | 'inbox';
}

export type DeliveryEvent =
  | { readonly type: 'planned'; readonly data: Plan & { readonly due: string } }
  | { readonly type: 'held'; readonly data: { readonly due: string } }
  | { readonly type: 'begun'; readonly data: { readonly at: string; readonly message: string; readonly due: string } }
  | { readonly type: 'resumed'; readonly data: { readonly at: string; readonly due: string } }
  | { readonly type: 'put-off'; readonly data: { readonly reason: Fault; readonly due: string } }
  | { readonly type: 'sent'; readonly data: { readonly at: string } }
  | {
      readonly type: 'failed';
      readonly data: { readonly at: string; readonly reason: Fault; readonly next: Channel | 'inbox' };
    }
  | { readonly type: 'dropped'; readonly data: { readonly at: string; readonly reason: Needless } };

export type DeliveryCommand =
  | { readonly type: 'plan'; readonly plan: Plan; readonly due: string }
  /** Quiet hours have begun meanwhile, or the person has chosen otherwise: it goes at another time. */
  | { readonly type: 'hold'; readonly at: string; readonly due: string }
  /** The mark before sending. */
  | {
      readonly type: 'begin';
      readonly at: string;
      readonly message: string;
      /** The channel after this one, if it has to be given up. */ readonly next: Channel | 'inbox';
    }
  /** The mark after sending. */
  | { readonly type: 'sent'; readonly at: string; readonly message: string }
  | {
      readonly type: 'fail';
      readonly at: string;
      readonly reason: Fault;
      readonly lasting: boolean;
      readonly next: Channel | 'inbox';
    }
  | { readonly type: 'drop'; readonly at: string; readonly reason: Needless };

export type DeliveryRefusal = 'not-planned' | 'not-due' | 'not-waiting' | 'not-sending' | 'another-message';

const minute = 60_000;
/** Whoever marked a delivery and has not marked it again after this long has ended; a try takes much less. */
export const longestTry = 3 * minute;
const longestPause = 60 * minute;
/** After this long it is given up: what is told is old by then, and the inbox has it. */
export const patience = 48 * 60 * minute;

/** When a delivery is tried again after so many tries: after a minute, and twice as long each time up to an hour. */
export function retryAt(tries: number, at: string): string {
  return later(at, Math.min(longestPause, minute * 2 ** Math.max(0, tries - 1)));
}

/** One notice, one person, one channel: from its plan to its end. A mark before sending and one after allow one repeat at most. */
export const delivery: Decider<Delivery, DeliveryCommand, DeliveryEvent, DeliveryRefusal> = {
  decide(state, command) {
    if (command.type === 'plan') {
      return state === undefined ? [{ type: 'planned', data: { ...command.plan, due: command.due } }] : [];
    }
    if (state === undefined) return refuse('not-planned');
    const { status, due, message } = state;
    switch (command.type) {
      case 'hold':
        return status === 'waiting' && command.due > command.at
          ? [{ type: 'held', data: { due: command.due } }]
          : refuse('not-waiting');
      case 'begin': {
        const { at, next } = command;
        if (due === undefined || due > at) return refuse('not-due');
        if (message !== undefined && message !== command.message) return refuse('another-message');
        const until = later(at, longestTry);
        if (status === 'waiting') {
          return [{ type: 'begun', data: { at, message: command.message, due: until } }];
        }
        return state.resumed === true
          ? [{ type: 'failed', data: { at, reason: 'uncertain', next } }]
          : [{ type: 'resumed', data: { at, due: until } }];
      }
      case 'sent':
        return status === 'sending' && message === command.message
          ? [{ type: 'sent', data: { at: command.at } }]
          : refuse('not-sending');
      case 'fail': {
        if (due === undefined) return refuse('not-waiting');
        const { at, reason, lasting, next } = command;
        const again = retryAt(state.tries, at);
        const tooLate = Date.parse(again) > Date.parse(state.firstTriedAt ?? at) + patience;
        return lasting || tooLate
          ? [{ type: 'failed', data: { at, reason, next } }]
          : [{ type: 'put-off', data: { reason, due: again } }];
      }
      case 'drop':
        return status === 'waiting'
          ? [{ type: 'dropped', data: { at: command.at, reason: command.reason } }]
          : refuse('not-waiting');
    }
  },

  evolve(state, event) {
    if (event.type === 'planned') return { ...event.data, status: 'waiting', tries: 0 };
    if (state === undefined) throw new TypeError('a delivery goes on before it is planned');
    switch (event.type) {
      case 'held':
        return { ...state, due: event.data.due };
      case 'begun': {
        const { at, message, due } = event.data;
        const { firstTriedAt = at, tries } = state;
        return { ...state, status: 'sending', message, due, firstTriedAt, tries: tries + 1 };
      }
      case 'resumed':
        return { ...state, due: event.data.due, tries: state.tries + 1, resumed: true };
      case 'put-off':
        // How it ended is known, so whoever ends at the next try may be repeated once more.
        return { ...state, ...event.data, status: 'waiting', resumed: false };
      case 'sent': {
        const { due: _due, reason: _reason, ...rest } = state;
        return { ...rest, status: 'sent', endedAt: event.data.at };
      }
      case 'failed': {
        const { due: _due, ...rest } = state;
        const { at, reason, next } = event.data;
        return { ...rest, status: 'failed', reason, next, endedAt: at };
      }
      case 'dropped': {
        const { due: _due, ...rest } = state;
        return { ...rest, status: 'dropped', reason: event.data.reason, endedAt: event.data.at };
      }
    }
  },
};

const later = (at: string, milliseconds: number): string => new Date(Date.parse(at) + milliseconds).toISOString();
