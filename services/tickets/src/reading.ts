/** Reading tickets: lists, one ticket, its time line, and all of it by the follow code. */
import type * as contract from '@bandeng/contracts/tickets';
import { isRefused, type Refused, refuse } from '@bandeng/decider';
import { normalize } from '@bandeng/directory';
import type { Call } from '@bandeng/rpc';
import { hidden } from '@bandeng/service';
import { callerKey, type Desk, followerKey, present } from './desk.ts';
import { followHash } from './follow-codes.ts';
import { followedTicket, historyOf } from './following.ts';
import { draftFor, rating } from './handling.ts';
import { type TicketQuery, ticketByFollowHash, ticketPage } from './queries.ts';
import type { Refusal } from './refusals.ts';
import type { StoredTicket } from './representation.ts';
import { searchPage } from './search.ts';
import { objectOf, sightOf, visibleBy } from './sight.ts';
import { readStatus } from './spelling.ts';
import { peopleOf, timelineOf } from './timeline.ts';
import { readWords } from './words.ts';

const usualPage = 20;
/** Names are good to have; a time line does not wait long for them. */
const patienceForNames = 1_000;
const mostNames = 500;

export function reading(desk: Desk) {
  const { house, tickets } = desk;

  async function visible(id: string, call: Call): Promise<StoredTicket | Refused<Refusal>> {
    const stored = await tickets.read(id);
    if (stored === undefined) return refuse('not-found');
    const granted = house.access.permit(call, objectOf(stored.state), 'tickets.read');
    return isRefused(granted) ? hidden(granted, 'not-found') : stored;
  }

  /** Names of people; none while identity is away. */
  async function namesOf(people: readonly string[]): Promise<Map<string, string>> {
    if (people.length === 0) return new Map();
    try {
      const asked = { people: people.slice(0, mostNames) };
      const { names } = await house.clients.identity.listNames(asked, { timeoutMs: patienceForNames });
      return new Map(Object.entries(names));
    } catch (fault) {
      house.log.warn({ fault: fault instanceof Error ? fault.message : 'unknown' }, 'names were not to be had');
      return new Map();
    }
  }

  return {
    async listTickets(
      request: contract.ListTicketsRequest,
      call: Call,
    ): Promise<contract.ListTicketsResponse | Refused<Refusal>> {
      const { territory, handler, category, pageToken } = request;
      if (territory !== '' && handler !== '') return refuse('unknown-query', { field: 'handler' });
      const status = readStatus[request.status];
      const words = request.words === '' ? undefined : readWords(request.words);
      if (request.words !== '' && words === undefined) return refuse('words-too-short', { field: 'words' });
      const query: TicketQuery = {
        ...(territory === '' ? {} : { territory: normalize(territory) ?? territory }),
        ...(handler === '' ? {} : { handler }),
        ...(status === undefined ? {} : { status }),
        ...(category === '' ? {} : { category }),
      };
      const sealed = `tickets ${JSON.stringify({ ...query, words: request.words || undefined })}`;
      const person = callerKey(call);
      const after = house.pages.open<string>(sealed, person, pageToken);
      if (isRefused(after)) return after;
      const paging = { size: request.pageSize || usualPage, after };
      const mine = visibleBy(house, call, handler);
      const page = words
        ? await searchPage(tickets, mine, { ...query, words }, paging)
        : await ticketPage(tickets, mine, query, paging);
      return {
        tickets: page.items.map((stored) => present(desk, call, stored)),
        nextPageToken: house.pages.seal(sealed, person, page.last),
      };
    },

    async getTicket({ id }: contract.GetTicketRequest, call: Call): Promise<contract.Ticket | Refused<Refusal>> {
      const stored = await visible(id, call);
      return isRefused(stored) ? stored : present(desk, call, stored);
    },

    async getTicketTimeline(
      { id }: contract.GetTicketTimelineRequest,
      call: Call,
    ): Promise<contract.TicketTimeline | Refused<Refusal>> {
      const stored = await visible(id, call);
      if (isRefused(stored)) return stored;
      const sight = sightOf(house, call, stored.state);
      const history = await historyOf(desk, stored);
      const names = sight.people ? await namesOf(peopleOf(history)) : new Map<string, string>();
      return { entries: timelineOf(stored, history, sight, names) };
    },

    async followTicket({ code }: contract.FollowTicketRequest): Promise<contract.FollowedTicket | Refused<Refusal>> {
      const id = await ticketByFollowHash(tickets, followHash(code));
      const stored = id === undefined ? undefined : await tickets.read(id);
      return stored === undefined ? refuse('not-found') : followedTicket(desk, stored);
    },

    async rateFollowedTicket(
      { code, satisfaction, remark }: contract.RateFollowedTicketRequest,
      call: Call,
    ): Promise<contract.FollowedTicket | Refused<Refusal>> {
      const id = await ticketByFollowHash(tickets, followHash(code));
      if (id === undefined) return refuse('not-found');
      const context = house.access.context(call);
      const outcome = await tickets.run<Refusal>(id, context, (current) => {
        if (current === undefined) return refuse('not-found');
        const draft = draftFor(current.version, context.at, followerKey(current.state));
        return { command: rating(draft, satisfaction, remark), words: draft.words };
      });
      if (isRefused(outcome)) return outcome;
      if (outcome.replayed) call.replayed();
      return followedTicket(desk, outcome.stored);
    },
  };
}
