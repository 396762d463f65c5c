/** What people do to a ticket that is there. */
import type * as contract from '@bandeng/contracts/tickets';
import { isRefused, type Refused, refuse } from '@bandeng/decider';
import { normalize } from '@bandeng/directory';
import type { Words } from '@bandeng/records';
import type { Call } from '@bandeng/rpc';
import { hidden } from '@bandeng/service';
import { chinaCalendar as calendar } from './calendar-data.ts';
import { callerKey, type Desk, present } from './desk.ts';
import { notNow } from './domain/actions.ts';
import type { Dispatchable } from './domain/handler.ts';
import type { Action, CommandTo, Instant, TicketCommand, WordId } from './domain/ticket.ts';
import type { Refusal } from './refusals.ts';
import type { StoredTicket } from './representation.ts';
import { either, objectOf, plainSight, sightOf } from './sight.ts';
import { readAudience, readDispatchable, readRejection, readSatisfaction } from './spelling.ts';

type Answer = Promise<contract.Ticket | Refused<Refusal>>;

/** What every command has, and a place for the words that come with it. */
interface Draft {
  readonly at: Instant;
  readonly by: string;
  /** Keeps a text among the document's words. An empty one is none. */
  write(kind: string, text: string): WordId | undefined;
}

/** A draft for one try, with the words that were written in it. */
export function draftFor(version: number, at: Instant, by: string): Draft & { readonly words: Words } {
  const words: Record<string, { by: string; text: string }> = {};
  return {
    at,
    by,
    words,
    write(kind, text) {
      if (text === '') return undefined;
      const id = `${kind}-${version + 1}`;
      words[id] = { by, text };
      return id;
    },
  };
}

/** Where a handler is: the unit's seat, the grid or community itself; undefined when there is no such. */
function whereabouts({ house }: Pick<Desk, 'house'>, handler: Dispatchable): string | undefined {
  const { directory } = house;
  const id = handler.slice(handler.indexOf(':') + 1);
  if (handler.startsWith('unit:')) return directory.unit(id)?.territory;
  const territory = directory.territory(normalize(id) ?? id);
  return territory?.kind === (handler.startsWith('grid:') ? 'grid' : 'community') ? territory.code : undefined;
}

/** A command to dispatch, with where the handler is. */
export function dispatchTo(
  desk: Pick<Desk, 'house'>,
  handler: Dispatchable,
  { at, by }: Pick<Draft, 'at' | 'by'>,
  note: WordId | undefined,
): CommandTo<'dispatch'> {
  const where = whereabouts(desk, handler);
  const known = where === undefined ? {} : { whereabouts: where };
  return { type: 'dispatch', at, by, handler, ...known, ...(note === undefined ? {} : { note }), calendar };
}

export function handling(desk: Desk) {
  const { house, tickets } = desk;

  /** Whether the ticket was last dispatched to the caller: whoever comes too late hears so, though it is out of sight by now. */
  function wasAsked(call: Call, { state, history }: StoredTicket): boolean {
    const asked = history.findLast((entry) => entry.type === 'dispatched');
    if (asked?.type !== 'dispatched') return false;
    return !isRefused(house.access.permit(call, { ...objectOf(state), handler: asked.data.handler }));
  }

  /** Runs a command on a ticket that the caller sees and may do this to, and answers it as it is then. */
  async function act<A extends Action>(
    id: string,
    call: Call,
    command: (draft: Draft) => Extract<TicketCommand, { type: A }> | Refused<Refusal>,
  ): Answer {
    const context = house.access.context(call);
    let before = plainSight;
    const outcome = await tickets.run<Refusal>(id, context, (current) => {
      if (current === undefined) return refuse('not-found');
      const granted = house.access.permit(call, objectOf(current.state));
      if (isRefused(granted))
        return wasAsked(call, current) ? notNow(current.state.standing) : hidden(granted, 'not-found');
      before = sightOf(house, call, current.state);
      const draft = draftFor(current.version, context.at, callerKey(call));
      const made = command(draft);
      if (isRefused(made)) return made;
      return { command: made, words: draft.words, actor: house.access.actor(call, granted) };
    });
    if (isRefused(outcome)) return outcome;
    if (outcome.replayed) call.replayed();
    const { stored } = outcome;
    return present(desk, call, stored, either(before, sightOf(house, call, stored.state)));
  }

  return {
    dispatchTicket: ({ id, handler, note }: contract.DispatchTicketRequest, call: Call): Answer =>
      act<'dispatch'>(id, call, (draft) => {
        const to = readDispatchable(handler);
        if (to === undefined) return refuse('not-dispatchable', { field: 'handler' });
        return dispatchTo(desk, to, draft, draft.write('note', note));
      }),

    acceptTicket: ({ id }: contract.AcceptTicketRequest, call: Call): Answer =>
      act<'accept'>(id, call, ({ at, by }) => ({ type: 'accept', at, by, calendar })),

    declineTicket: ({ id, reason }: contract.DeclineTicketRequest, call: Call): Answer =>
      act<'decline'>(id, call, ({ at, by, write }) => ({
        type: 'decline',
        at,
        by,
        reason: write('reason', reason) ?? '',
      })),

    noteTicket: ({ id, text, audience }: contract.NoteTicketRequest, call: Call): Answer =>
      act<'note'>(id, call, ({ at, by, write }) => {
        return {
          type: 'note',
          at,
          by,
          note: write('note', text) ?? '',
          audience: readAudience[audience] ?? 'internal',
        };
      }),

    resolveTicket: ({ id, resolution }: contract.ResolveTicketRequest, call: Call): Answer =>
      act<'resolve'>(id, call, ({ at, by, write }) => {
        return { type: 'resolve', at, by, resolution: write('resolution', resolution) ?? '' };
      }),

    rateTicket: ({ id, satisfaction, remark }: contract.RateTicketRequest, call: Call): Answer =>
      act<'rate'>(id, call, (draft) => rating(draft, satisfaction, remark)),

    rejectTicket: ({ id, reason, explanation }: contract.RejectTicketRequest, call: Call): Answer =>
      act<'reject'>(id, call, ({ at, by, write }) => {
        const words = write('explanation', explanation) ?? '';
        return { type: 'reject', at, by, reason: readRejection[reason] ?? 'unclear', explanation: words };
      }),

    withdrawTicket: ({ id, reason }: contract.WithdrawTicketRequest, call: Call): Answer =>
      act<'withdraw'>(id, call, ({ at, by, write }) => {
        const words = write('reason', reason);
        return { type: 'withdraw', at, by, ...(words === undefined ? {} : { reason: words }) };
      }),

    suspendTicket: ({ id, reason, until }: contract.SuspendTicketRequest, call: Call): Answer =>
      act<'suspend'>(id, call, ({ at, by, write }) => {
        const date = until?.toISOString() ?? at;
        return { type: 'suspend', at, by, reason: write('reason', reason) ?? '', until: date, calendar };
      }),

    resumeTicket: ({ id }: contract.ResumeTicketRequest, call: Call): Answer =>
      act<'resume'>(id, call, ({ at, by }) => ({ type: 'resume', at, by, calendar })),
  };
}

/** A command to rate, by the one who ordered or by whoever holds the follow code. */
export function rating(
  { at, by, write }: Draft,
  satisfaction: contract.Satisfaction_Value,
  remark: string,
): CommandTo<'rate'> {
  const level = readSatisfaction[satisfaction];
  // The contract has no other levels, and the server has checked it.
  if (level === undefined) throw new TypeError(`'${satisfaction}' is no level of satisfaction`);
  const words = write('remark', remark);
  return { type: 'rate', at, by, satisfaction: level, ...(words === undefined ? {} : { remark: words }), calendar };
}
