/** What tickets hold of a person, for the export of their data. */
import type * as contract from '@bandeng/contracts/tickets';
import { isRefused, type Refused } from '@bandeng/decider';
import type { Call } from '@bandeng/rpc';
import { callerKey, type Desk, keysOf } from './desk.ts';
import { personalPage } from './queries.ts';
import type { Refusal } from './refusals.ts';
import { evidenceOf, type StoredTicket } from './representation.ts';
import { plainSight } from './sight.ts';
import { spelledStatus } from './spelling.ts';

export function personalTickets({ house, tickets, files }: Desk) {
  return {
    async listPersonalTickets(
      { person, pageToken }: contract.ListPersonalTicketsRequest,
      call: Call,
    ): Promise<contract.ListPersonalTicketsResponse | Refused<Refusal>> {
      const query = `personal-tickets ${person}`;
      const reader = callerKey(call);
      const after = house.pages.open<string>(query, reader, pageToken);
      if (isRefused(after)) return after;
      const authors = keysOf(person);
      const { items, last } = await personalPage(tickets, authors, await files.ownersOf(...authors), after);
      return {
        tickets: items.map((stored) => personalTicket(stored, person)),
        nextPageToken: house.pages.seal(query, reader, last),
      };
    },
  };
}

function personalTicket({ id, state, words }: StoredTicket, person: string): contract.PersonalTicket {
  const authors = keysOf(person);
  const { number, orderer, territory, category, standing, orderedAt, evidence = [] } = state;
  return {
    id,
    number,
    ordered: orderer === person,
    territory,
    category,
    status: spelledStatus[standing.status],
    orderedAt: new Date(orderedAt),
    words: Object.entries(words).flatMap(([word, { by, text, erased }]) =>
      authors.includes(by) && erased !== true ? [{ word, text }] : [],
    ),
    evidence: evidenceOf(
      { evidence: evidence.filter(({ by }) => authors.includes(by)) },
      { ...plainSight, people: true },
    ),
  };
}
