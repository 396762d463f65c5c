import type { Filter as Visible } from '@bandeng/access';
import { connectMongo, type Document, openRecords } from '@bandeng/records';
import { type Parts, parts } from '@bandeng/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pageOptions, type TicketQuery } from '../src/queries.ts';
import { branchKey, districtOf, gridsKey, listKey, openTickets, type Tickets } from '../src/records.ts';
import { planSearch, reach, type SearchQuery, searchPage } from '../src/search.ts';
import { readWords, termsOf } from '../src/words.ts';

/** A search goes by its index, opens no more than it may, and finds what reading everything would find. */

let world: Parts;
let tickets: Tickets;
let close: () => Promise<void>;

const statuses = ['ordered', 'dispatched', 'in_progress', 'rated', 'closed'] as const;
const categories = ['城乡建设.园林绿化', '城乡建设.道路', '环境保护.噪音'];
const number = 9_000;

/** What the tickets are about: one thing in half of them, another in the rest, some things in few. */
function textOf(index: number): string {
  const usual = index % 2 === 0 ? '厨房漏水，请派人维修' : '路灯坏了，晚上看不见路';
  const seldom = index % 450 === 3 ? '，化粪池满了' : '';
  return `${usual}${seldom}${index === 8_999 ? '，漏电路灯' : ''}`;
}

function documents(): Document[] {
  return Array.from({ length: number }, (_, index) => {
    const district = `45990${1 + (index % 2)}`;
    const community = `${district}001${String(1 + (index % 4)).padStart(3, '0')}`;
    const compound = `${community}${501 + (index % 3)}`;
    const covering = index % 3 === 0 ? [`${community}001`] : [];
    const status = statuses[Math.floor(index / 7) % statuses.length] ?? 'ordered';
    const category = categories[Math.floor(index / 3) % categories.length] ?? '';
    const orderedAt = new Date(Date.UTC(2026, 0, 1) + (index % 977) * 3_600_000);
    const serial = String(index).padStart(6, '0');
    const order = { number: `${district}-20260101-${serial}`, territory: compound, category, orderedAt };
    const texts = [`大修厂小区${index % 9}栋`, textOf(index)];
    const handler = status === 'ordered' ? {} : { handler: `unit:${Math.floor(index / 5) % 3}` };
    return {
      _id: `ticket-${index}`,
      version: 1,
      ...order,
      territories: ['45', '4599', district, `${district}001`, community, compound, ...covering],
      ...(index % 4 === 0 ? {} : { orderer: `person-${index % 40}` }),
      ...handler,
      followHash: `hash-${index}`,
      standing: { status },
      status,
      branch: branchKey(category),
      grids: gridsKey(covering),
      district: districtOf(compound),
      listed: listKey({ ...order, orderedAt: orderedAt.toISOString() }),
      place: 'place',
      text: 'text',
      words: { place: { by: 'x', text: texts[0] }, text: { by: 'x', text: texts[1] } },
      search: { terms: termsOf({ number: order.number, texts }) },
      derived: ['handler', 'status', 'branch', 'grids', 'district', 'listed'],
      history: [],
    };
  });
}
const all = documents();

beforeAll(async () => {
  world = await parts();
  const mongo = await connectMongo(world.mongodbUri);
  const database = mongo.db(`${world.databasePrefix}_tickets`);
  ({ tickets } = await openTickets(await openRecords({ database })));
  await database.collection('tickets').insertMany(all as never[]);
  close = () => mongo.close();
}, 60_000);

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
  'a grid': { territory: '459901001001001' },
  'a handler': { handler: 'unit:1' },
  'a status': { status: 'in_progress' },
  'a status that ends': { status: 'rated' },
  'a category': { category: '城乡建设' },
};
const searches = [
  '漏水',
  '化粪池',
  '大修厂小区',
  '厨房漏水 维修',
  'ls',
  'hfc',
  'huafenchi',
  'dxcxq',
  'loushui',
  '000123',
  '459902-20260101-000123',
];

describe.each(Object.entries(eyes))('what %s sees', (_, visible) => {
  // Every search in every capacity, every question by every other search.
  const cases = Object.entries(questions).flatMap(([question, query], row) =>
    searches.filter((_, column) => (row + column) % 2 === 0).map((search) => [search, question, query] as const),
  );

  it.each(cases)('is found by %s within %s, newest first, page by page', async (search, _name, narrowed) => {
    const query: SearchQuery = { ...narrowed, words: readWords(search) ?? [] };
    const expected = all
      .filter((document) => matches(document, visible, narrowed) && has(document, search))
      .toSorted((a, b) => (a.listed < b.listed ? 1 : -1))
      .map(({ _id }) => String(_id));
    const seen: string[] = [];
    let after: string | undefined;
    let pages = 0;
    do {
      const page = await searchPage(tickets, visible, query, { size: 20, ...(after === undefined ? {} : { after }) });
      seen.push(...page.items.map(({ id }) => id));
      after = page.last;
      pages += 1;
      if (pages === 1) await explained(visible, query);
    } while (after !== undefined && pages < 3);
    expect(seen).toEqual(expected.slice(0, seen.length));
    expect(seen.length).toBe(Math.min(expected.length, 60));
  });
});

it('what is frequent but never together is looked through in steps, and the whole of it in the end', async () => {
  const visible: Visible = { territories: '4599' };
  const query: SearchQuery = { words: readWords('漏水 路灯') ?? [] };
  let after: string | undefined;
  let pages = 0;
  const found: string[] = [];
  do {
    const page = await searchPage(tickets, visible, query, { size: 20, ...(after === undefined ? {} : { after }) });
    found.push(...page.items.map(({ id }) => id));
    after = page.last;
    pages += 1;
  } while (after !== undefined);
  expect(found).toEqual([]);
  expect(pages).toBe(Math.ceil(number / 2 / reach));
});

it('a word that no ticket has costs no page', async () => {
  expect(await planSearch(tickets, { territories: '4599' }, { words: readWords('停电') ?? [] })).toBeUndefined();
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

/** Which tickets a search is for, said without any term. */
function has(document: Document, search: string): boolean {
  const index = Number(String(document._id).slice('ticket-'.length));
  const text = textOf(index);
  const answers: Record<string, boolean> = {
    漏水: text.includes('漏水'),
    化粪池: text.includes('化粪池'),
    大修厂小区: true,
    '厨房漏水 维修': text.includes('漏水'),
    ls: text.includes('漏水'),
    dxcxq: true,
    hfc: text.includes('化粪池'),
    huafenchi: text.includes('化粪池'),
    loushui: text.includes('漏水'),
    '000123': index === 123,
    '459902-20260101-000123': index === 123 && document.number.startsWith('459902'),
  };
  return answers[search] ?? false;
}

async function explained(visible: Visible, query: SearchQuery): Promise<void> {
  const { filter, ...hint } = (await planSearch(tickets, visible, query)) ?? {};
  if (filter === undefined) return;
  const options = { ...pageOptions, ...hint, limit: reach + 1 };
  const plan = await tickets.collection.find(filter, options).explain('executionStats');
  const stages = stagesOf(plan.queryPlanner.winningPlan);
  expect(stages).not.toContain('COLLSCAN');
  expect(stages).not.toContain('SORT');
  expect(plan.executionStats.totalDocsExamined).toBeLessThanOrEqual(reach + 60);
}

function stagesOf(plan: Document): string[] {
  const below = [plan.inputStage, ...(plan.inputStages ?? []), plan.queryPlan].filter(Boolean);
  return [plan.stage, ...below.flatMap(stagesOf)];
}
