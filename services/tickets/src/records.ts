/** The collections of the service, with the indexes of the queries in queries.ts. */
import { kindOf } from '@bandeng/directory';
import { type Aggregates, authorsIndex, authorsOf, type Records, type Words } from '@bandeng/records';
import {
  type Category,
  type CategoryCommand,
  type CategoryEvent,
  categoryDecider,
  categoryId,
} from './domain/category.ts';
import { ticketDecider } from './domain/decision.ts';
import { nextDue } from './domain/passing-time.ts';
import type { Ticket, TicketCommand, TicketEvent, TicketRefusal } from './domain/ticket.ts';
import { termsOf } from './words.ts';

export type Tickets = Aggregates<Ticket, TicketCommand, TicketEvent, TicketRefusal>;
export type Categories = Aggregates<Category, CategoryCommand, CategoryEvent, never>;

/** Dates begin here, so that no instant is negative. */
const yearOne = Date.parse('0001-01-01T00:00:00Z');

/**
 * What lists are sorted by: the instant of the order, and the serial to tell two of one instant apart; one field for both, and a
 * short one, for it stands in every index once for each term.
 */
export function listKey({ orderedAt, number }: Pick<Ticket, 'orderedAt' | 'number'>): string {
  const instant = (Date.parse(orderedAt) - yearOne).toString(36).padStart(10, '0');
  return `${instant}${number.slice(number.lastIndexOf('-') + 1)}`;
}

const districtDigits = 6;

/** The district that a place lies in, or what is above it. */
export function districtOf(territory: string): string {
  return territory.slice(0, districtDigits);
}

/** A category with the full stop behind it, so that a branch of the tree is one range of keys. */
export function branchKey(category: string): string {
  return `${category}.`;
}

/** The grids among territories, each between commas, so that one of them is found in one field. */
export function gridsKey(territories: readonly string[]): string {
  const grids = territories.filter((code) => kindOf(code) === 'grid');
  return [...grids, ''].map((code) => `,${code}`).join('');
}

/** The texts by which a ticket is found. */
export function textsOf({ place, text }: Pick<Ticket, 'place' | 'text'>, words: Words): string[] {
  return [place, text].flatMap((id) => (id === undefined ? [] : (words[id]?.text ?? [])));
}

export async function openTickets(records: Records): Promise<{ tickets: Tickets; categories: Categories }> {
  const tickets = await records.define({
    name: 'tickets',
    decider: ticketDecider,
    nextDue,
    keys: (ticket) => {
      const { standing, category, territory, territories } = ticket;
      return {
        status: standing.status,
        handler: 'handler' in standing ? standing.handler : undefined,
        listed: listKey(ticket),
        branch: branchKey(category),
        grids: gridsKey(territories),
        district: districtOf(territory),
      };
    },
    search: (ticket, words) => ({
      terms: termsOf({ number: ticket.number, texts: textsOf(ticket, words) }),
      by: authorsOf(words),
    }),
    indexes: [
      // What comes after `listed` narrows a page without opening documents; see queries.ts.
      { name: 'in-territory', key: { territories: 1, status: 1, listed: -1, branch: 1, grids: 1 } },
      {
        name: 'of-handler',
        key: { handler: 1, status: 1, listed: -1, branch: 1, territory: 1, grids: 1 },
        partialFilterExpression: { handler: { $exists: true } },
      },
      {
        name: 'of-orderer',
        key: { orderer: 1, status: 1, listed: -1, branch: 1, territory: 1, grids: 1, handler: 1 },
        partialFilterExpression: { orderer: { $exists: true } },
      },
      // What changes has no place here: a transition would write it once for each term.
      { name: 'by-words', key: { district: 1, 'search.terms': 1, listed: -1, territory: 1 } },
      { name: 'by-follow-code', key: { followHash: 1 }, unique: true },
      authorsIndex,
    ],
  });
  const categories = await records.define({
    name: 'categories',
    decider: categoryDecider,
    keys: ({ path }) => ({ sorted: categoryId(path) }),
    indexes: [{ name: 'in-branch', key: { branches: 1, sorted: 1 } }],
  });
  return { tickets, categories };
}
