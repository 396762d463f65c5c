import type { Filter as Visible } from '@bandeng/access';
import { connectMongo, type Document, openRecords } from '@bandeng/records';
import { type Parts, parts } from '@bandeng/testing';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pageFilter, pageOptions, type TicketQuery, ticketPage } from '../src/queries.ts';
import { branchKey, gridsKey, listKey, openTickets, type Tickets } from '../src/records.ts';

/** Every question a list offers goes by an index: none reads what it does not return, none sorts. */

let world: Parts;
let tickets: Tickets;
let close: () => Promise<void>;

const statuses = ['ordered', 'dispatched', 'in_progress', 'resolved', 'rated', 'closed'] as const;
const categories = ['城乡建设.园林绿化', '城乡建设.道路', '城乡建设', '环境保护.噪音', '教育文体.学校'];
const number = 4_000;

/** Tickets of two districts with four communities each, in every status, of every category, of some handlers and people. */
function documents(): Document[] {
  return Array.from({ length: number }, (_, index) => {
    const district = `45990${1 + (index % 2)}`;
    const community = `${district}001${String(1 + (index % 4)).padStart(3, '0')}`;
    const compound = `${community}${501 + (index % 3)}`;
    const covering = [[`${community}001`], [`${community}001`, `${community}002`], []][index % 3] ?? [];
    const status = statuses[Math.floor(index / 7) % statuses.length] ?? 'ordered';
    const category = categories[Math.floor(index / 3) % categories.length] ?? '';
    const orderedAt = new Date(Date.UTC(2026, 0, 1) + (index % 977) * 3_600_000);
    const serial = String(index).padStart(6, '0');
    const order = { number: `${district}-20260101-${serial}`, territory: compound, category, orderedAt };
    const handler = `unit:${Math.floor(index / 5) % 3}`;
    return {
      _id: `ticket-${index}`,
      version: 1,
      ...order,
      territories: ['45', '4599', district, `${district}001`, community, compound, ...covering],
      ...(index % 4 === 0 ? {} : { orderer: `person-${index % 40}` }),
      ...(status === 'ordered' ? {} : { handler }),
      followHash: `hash-${index}`,
      status,
      branch: branchKey(category),
      grids: gridsKey(covering),
      listed: listKey({ ...order, orderedAt: orderedAt.toISOString() }),
      history: [],
    };
  });
}

beforeAll(async () => {
  world = await parts();
  const mongo = await connectMongo(world.mongodbUri);
  const database = mongo.db(`${world.databasePrefix}_tickets`);
  ({ tickets } = await openTickets(await openRecords({ database })));
  await database.collection('tickets').insertMany(documents() as never[]);
  close = () => mongo.close();
});

afterAll(async () => {
  await close();
  await world.dispose();
});

const eyes: Record<string, Visible> = {
  'a dispatcher': { $or: [{ orderer: 'person-3' }, { territories: '459902001002' }] },
  'a liaison who also orders': { $or: [{ orderer: 'person-3' }, { handler: 'unit:1' }] },
  'a resident': { orderer: 'person-3' },
  'a grid worker': {
    $or: [{ orderer: 'person-3' }, { territories: '459901001001001' }, { handler: 'grid:459901001001001' }],
  },
  'a supervisor': { $or: [{ orderer: 'person-3' }, { territories: '4599' }] },
  'a system': { territories: '459902' },
};

const questions: Record<string, TicketQuery> = {
  everything: {},
  'a community': { territory: '459902001002' },
  'a compound': { territory: '459902001002502' },
  'a district': { territory: '459902' },
  'a grid': { territory: '459901001001001' },
  'a handler': { handler: 'unit:1' },
};
const narrowings: Record<string, TicketQuery> = {
  '': {},
  ', by status': { status: 'in_progress' },
  ', by category': { category: '城乡建设' },
  ', by status and category': { status: 'resolved', category: '城乡建设.道路' },
};

describe.each(Object.entries(eyes))('what %s sees', (_, visible) => {
  const cases = Object.entries(questions).flatMap(([question, query]) =>
    Object.entries(narrowings).map(([by, narrowing]) => [`${question}${by}`, { ...query, ...narrowing }] as const),
  );

  it.each(cases)('of %s comes page by page, each read by its index alone', async (_, query) => {
    const all = documents().filter((document) => matches(document, visible, query));
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await ticketPage(tickets, visible, query, { size: 20, ...(after === undefined ? {} : { after }) });
      seen.push(...page.items.map(({ id }) => id));
      after = page.last;
      if (seen.length === 20) await explained(visible, query, after);
    } while (after !== undefined && seen.length < 100);
    const expected = all.toSorted((a, b) => (a.listed < b.listed ? 1 : -1)).map(({ _id }) => String(_id));
    expect(seen).toEqual(expected.slice(0, seen.length));
    expect(seen.length).toBe(Math.min(expected.length, Math.max(100, seen.length)));
    await explained(visible, query);
  });
});

/** The same question, answered by reading everything. */
function matches(document: Document, visible: Visible, query: TicketQuery): boolean {
  const conditions = '$or' in visible ? visible.$or : [visible];
  const may = conditions.some(({ territories, handler, orderer }) =>
    territories !== undefined
      ? document.territories.includes(territories)
      : handler !== undefined
        ? document.handler === handler
        : document.orderer === orderer,
  );
  return (
    may &&
    (query.territory === undefined || document.territories.includes(query.territory)) &&
    (query.handler === undefined || document.handler === query.handler) &&
    (query.status === undefined || document.status === query.status) &&
    (query.category === undefined || `${document.category}.`.startsWith(`${query.category}.`))
  );
}

async function explained(visible: Visible, query: TicketQuery, after?: string): Promise<void> {
  const filter = pageFilter(visible, query, after);
  if (filter === undefined) return;
  const plan = await tickets.collection.find(filter, { ...pageOptions, limit: 21 }).explain('executionStats');
  const stages = stagesOf(plan.queryPlanner.winningPlan);
  expect(stages).not.toContain('COLLSCAN');
  expect(stages).not.toContain('SORT');
  const { nReturned, totalDocsExamined } = plan.executionStats;
  expect(totalDocsExamined).toBeLessThanOrEqual(Math.ceil(nReturned * 1.2));
}

function stagesOf(plan: Document): string[] {
  const below = [plan.inputStage, ...(plan.inputStages ?? []), plan.queryPlan].filter(Boolean);
  return [plan.stage, ...below.flatMap(stagesOf)];
}
