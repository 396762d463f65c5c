import { descriptors, leavesAsTable, rpcs } from '@bandeng/contracts';
import { eventually } from '@bandeng/testing';
import { type Answer, type Caller, type Town, town } from '@bandeng/testing/town';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CallerName, callers, type Place, table } from './roles-table.ts';

let city: Town;
const asked = new Map<CallerName, Caller>();
const people = new Map<CallerName, string>();
/** What is own, inside or outside, by what it is. Own things are each caller's. */
const objects = {
  ticket: new Map<string, string>(),
  posting: new Map<string, string>(),
  person: new Map<string, string>(),
  notice: new Map<string, string>(),
};
let building: string;
let elsewhere: string;
let category: string;
let follow: string;
let unit: string;

beforeAll(async () => {
  city = await town({ environment: { BANDENG_RATE_LIMIT: 'off' } });
  for (const name of callers) {
    const caller =
      name === 'guest'
        ? city.with(undefined)
        : name === 'demo-system' || name === 'demo-import'
          ? await city.system(name)
          : await city.as(name);
    asked.set(name, caller);
    people.set(name, city.plan.accounts.find(({ login }) => login === name)?.id ?? '');
  }
  const posting = (role: string) => city.plan.postings.find((planned) => planned.role === role);
  building = posting('building_head')?.territory ?? '';
  elsewhere =
    city.plan.territories.find(({ code }) => code.length === 18 && !code.startsWith(building.slice(0, 6)))?.code ?? '';
  category = city.plan.categories[0]?.join('.') ?? '';
  unit = city.plan.units[0]?.id ?? '';
  await prepare(posting('grid_worker')?.territory ?? '');
}, 120_000);
afterAll(() => city?.stop());

const as = (name: CallerName): Caller => asked.get(name) ?? city.with(undefined);
const isPerson = (name: CallerName): boolean => (people.get(name) ?? '') !== '';
let keys = 0;
const key = (): Record<string, string> => ({ 'idempotency-key': `roles-against-rpcs-${keys++}` });

/** A ticket of each caller in a place where nobody but them has to do with it; one inside, at the grid; one outside. */
async function prepare(grid: string): Promise<void> {
  const order = async (name: CallerName, territory: string): Promise<{ id: string; followCode: string }> => {
    const { body, status } = await as(name).post('/v1/tickets', { text: '一件事', territory, category }, key());
    expect(status, JSON.stringify(body)).toBe(201);
    return body;
  };
  for (const name of callers.filter(isPerson)) {
    objects.ticket.set(`own ${name}`, (await order(name, elsewhere)).id);
    objects.posting.set(`own ${name}`, city.plan.postings.find(({ person }) => person === people.get(name))?.id ?? '');
    objects.person.set(`own ${name}`, people.get(name) ?? '');
    await eventually(
      async () => {
        const { body } = await as(name).get('/v1/inbox');
        objects.notice.set(`own ${name}`, body.notices[0].id);
      },
      { within: 10_000 },
    );
  }
  const inside = await order('guest', building);
  const dispatched = await as('community_dispatcher').post(`/v1/tickets/${inside.id}:dispatch`, { handler: { grid } });
  expect(dispatched.status, JSON.stringify(dispatched.body)).toBe(200);
  objects.ticket.set('inside', inside.id);
  const outside = await order('guest', elsewhere);
  objects.ticket.set('outside', outside.id);
  follow = outside.followCode;
  const others = city.plan.postings.filter(({ person }) => ![...people.values()].includes(person));
  const community = building.slice(0, 12);
  const near = others.find(({ territory, role }) => territory === community && role === 'member');
  const far = others.find(({ territory }) => territory?.startsWith(elsewhere.slice(0, 6)));
  for (const [place, posting] of [
    ['inside', near],
    ['outside', far],
  ] as const) {
    objects.posting.set(place, posting?.id ?? '');
    objects.person.set(place, posting?.person ?? '');
    objects.notice.set(place, 'somebody-elses');
  }
}

const object = (kind: keyof typeof objects, place: Place, name: CallerName): string | undefined =>
  objects[kind].get(place === 'own' ? `own ${name}` : place);

/** One call of an RPC on an object; undefined where the caller has no such object. A command names a version that never was. */
function ask(rpc: string, place: Place, name: CallerName): Promise<Answer> | undefined {
  const caller = as(name);
  const at = place === 'outside' ? elsewhere : building;
  const stale = { 'if-match': '"999999"' };
  const onTicket = (verb: string, body: object = {}): Promise<Answer> | undefined => {
    const id = object('ticket', place, name);
    return id === undefined ? undefined : caller.post(`/v1/tickets/${id}:${verb}`, body, stale);
  };
  const on = (kind: keyof typeof objects, act: (id: string) => Promise<Answer>): Promise<Answer> | undefined => {
    const id = object(kind, place, name);
    return id === undefined ? undefined : act(id);
  };
  const fresh = (): string => String(++keys);
  const calls: { readonly [rpc: string]: () => Promise<Answer> | undefined } = {
    'tickets.OrderTicket': () => caller.post('/v1/tickets', { text: '一件事', territory: at, category }, key()),
    'tickets.ImportTicket': () =>
      caller.post('/v1/tickets:import', {
        source: 'roles',
        sourceId: fresh(),
        orderedAt: '2020-01-01T00:00:00Z',
        text: '一件事',
        territory: at,
        category,
      }),
    'tickets.ListTickets': () => caller.get(`/v1/tickets?territory=${at}`),
    'tickets.GetTicket': () => on('ticket', (id) => caller.get(`/v1/tickets/${id}`)),
    'tickets.GetTicketTimeline': () => on('ticket', (id) => caller.get(`/v1/tickets/${id}/timeline`)),
    'tickets.DispatchTicket': () => onTicket('dispatch', { handler: { openCall: at.slice(0, 12) } }),
    'tickets.AcceptTicket': () => onTicket('accept'),
    'tickets.DeclineTicket': () => onTicket('decline', { reason: '没空' }),
    'tickets.NoteTicket': () => onTicket('note', { text: '看过了', audience: 'INTERNAL' }),
    'tickets.ResolveTicket': () => onTicket('resolve', { resolution: '好了' }),
    'tickets.RateTicket': () => onTicket('rate', { satisfaction: 'SATISFIED' }),
    'tickets.RejectTicket': () => onTicket('reject', { reason: 'UNCLEAR', explanation: '不清楚' }),
    'tickets.WithdrawTicket': () => onTicket('withdraw'),
    'tickets.SuspendTicket': () =>
      onTicket('suspend', { reason: '等', until: new Date(Date.now() + 86_400_000).toISOString() }),
    'tickets.ResumeTicket': () => onTicket('resume'),
    'tickets.FollowTicket': () => caller.get(`/v1/follow/${follow}`),
    'tickets.RateFollowedTicket': () => caller.post(`/v1/follow/${follow}:rate`, { satisfaction: 'SATISFIED' }, stale),
    'tickets.RegisterCategory': () => caller.post('/v1/categories', { path: ['角色', fresh()] }),
    'tickets.ListCategories': () => caller.get('/v1/categories'),
    'tickets.GetCategory': () => caller.get(`/v1/categories/${encodeURIComponent(category)}`),
    'orggraph.RegisterUnit': () =>
      caller.post('/v1/units', { kind: 'ENTERPRISE', name: `单位${fresh()}`, territory: at }),
    'orggraph.ListUnits': () => caller.get(`/v1/units?territory=${at}`),
    'orggraph.GetUnit': () => caller.get(`/v1/units/${unit}`),
    'orggraph.RegisterTerritory': () =>
      caller.post('/v1/territories', {
        id: `${at.slice(0, 15)}${String(900 - (keys++ % 800)).padStart(3, '0')}`,
        name: '新楼',
      }),
    'orggraph.CoverTerritories': () =>
      caller.post(`/v1/territories/${at.slice(0, 12)}001:cover`, { covers: [] }, stale),
    'orggraph.ListTerritories': () => caller.get(`/v1/territories?parent=${at.slice(0, 12)}`),
    'orggraph.GetTerritory': () => caller.get(`/v1/territories/${at}`),
    'orggraph.StartPosting': () =>
      caller.post('/v1/postings', { person: people.get('volunteer'), role: 'RESIDENT', territory: at }),
    'orggraph.ListPostings': () =>
      place === 'own'
        ? on('person', (id) => caller.get(`/v1/postings?person=${id}`))
        : caller.get(`/v1/postings?territory=${at.slice(0, 12)}`),
    'orggraph.GetPosting': () => on('posting', (id) => caller.get(`/v1/postings/${id}`)),
    'orggraph.EndPosting': () => on('posting', (id) => caller.post(`/v1/postings/${id}:end`, {}, stale)),
    'identity.GetMe': () => caller.get('/v1/me'),
    'identity.RegisterAccount': () => caller.post('/v1/accounts', { login: `roles${fresh()}`, name: '新人' }),
    'identity.GetAccount': () => on('person', (id) => caller.get(`/v1/accounts/${id}`)),
    'identity.GetMyContact': () => caller.get('/v1/me/contact'),
    'identity.ChangeMyContact': () => caller.post('/v1/me:change-contact', { phone: '13800000000' }, stale),
    'identity.ChangeMyPassword': () =>
      caller.post('/v1/me:change-password', { oldPassword: 'x', newPassword: 'another bench to sit on' }, stale),
    'identity.ListMyContactReadings': () => caller.get('/v1/me/contact-readings'),
    'identity.GetMyData': () => caller.get('/v1/me/data'),
    'identity.ReadContact': () =>
      on('person', (id) => caller.post(`/v1/accounts/${id}:read-contact`, { reason: '回访' }, key())),
    'identity.EraseAccount': () =>
      on('person', (id) => caller.post(`/v1/accounts/${id}:erase`, { reason: 'ASKED_FOR' }, stale)),
    'identity.RegisterClient': () =>
      caller.post('/v1/clients', { name: '别的系统', scopes: ['events'], territory: at.slice(0, 12) }),
    'identity.ListClients': () => caller.get('/v1/clients'),
    'identity.GetClient': () => caller.get('/v1/clients/demo-system'),
    'identity.EndClient': () => caller.post('/v1/clients/demo-system:end', {}, stale),
    'notifications.ListInbox': () => caller.get('/v1/inbox'),
    'notifications.GetNotice': () => on('notice', (id) => caller.get(`/v1/inbox/${id}`)),
    'notifications.GetNoticePreferences': () => caller.get('/v1/me/notice-preferences'),
    'notifications.SetNoticePreferences': () => caller.post('/v1/me/notice-preferences:set', {}),
    'notifications.ListMyDeliveries': () => caller.get('/v1/me/deliveries'),
    'notifications.ListFailedDeliveries': () => caller.get('/v1/failed-deliveries'),
    'notifications.ReadNotice': () => on('notice', (id) => caller.post(`/v1/inbox/${id}:read`)),
  };
  return calls[rpc]?.();
}

/** Permitted is what gets past permission: done, or refused for its version, state or facts. */
function verdict({ status }: Answer): string {
  if (status === 401) return 'sign in';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'hidden';
  return [200, 201, 409, 412, 422].includes(status) ? 'permitted' : `answered ${status}`;
}

const readingOf = (rpc: string): string => {
  if (rpc.startsWith('tickets.') && rpc.endsWith('Ticket')) return 'tickets.GetTicket';
  if (rpc === 'identity.EraseAccount') return 'identity.GetAccount';
  if (rpc === 'identity.EndClient') return 'identity.GetClient';
  return rpc === 'orggraph.EndPosting' ? 'orggraph.GetPosting' : rpc;
};

function expected(rpc: string, place: Place, name: CallerName): string {
  if (table[rpc]?.[place].includes(name)) return 'permitted';
  if (name === 'guest') return 'sign in';
  const reading = readingOf(rpc);
  if (rpc.startsWith('identity.GetMy')) return 'forbidden';
  if (reading === rpc) return rpc.includes('.Get') || rpc.includes('.Read') ? 'hidden' : 'forbidden';
  if (rpc === 'tickets.OrderTicket' || rpc === 'tickets.ImportTicket') return 'forbidden';
  return table[reading]?.[place].includes(name) ? 'forbidden' : 'hidden';
}

test('the table has a row for every route of the contracts', () => {
  const routed = rpcs.filter(({ http }) => http !== undefined).map(({ service, name }) => `${service}.${name}`);
  expect(Object.keys(table).sort()).toEqual(routed.sort());
});

test.each(Object.keys(table))(
  '%s is permitted to whom the table says, on what is own, inside and outside',
  async (rpc) => {
    const differences: string[] = [];
    for (const name of callers) {
      for (const place of ['own', 'inside', 'outside'] as const) {
        const answer = await ask(rpc, place, name);
        if (answer === undefined) continue;
        const [seen, wanted] = [verdict(answer), expected(rpc, place, name)];
        if (seen !== wanted)
          differences.push(`${name}, ${place}: ${seen}, not ${wanted} (${JSON.stringify(answer.body).slice(0, 160)})`);
      }
    }
    expect(differences).toEqual([]);
  },
  60_000,
);

const lists = descriptors().rpcs.filter(leavesAsTable);
test.each(lists.map(({ http }) => http?.path ?? ''))(
  'the tables of %s are for whom the list is for, and for nobody else',
  async (path) => {
    const differences: string[] = [];
    for (const name of callers) {
      const { status: wanted } = await as(name).get(path);
      for (const form of ['csv', 'xlsx']) {
        const { status } = await as(name).get(`${path}.${form}`);
        if (status !== wanted) differences.push(`${name}, ${form}: ${status}, not ${wanted}`);
      }
    }
    expect(differences).toEqual([]);
  },
  60_000,
);

test.each([
  ['tickets', (at: string) => `/v1/tickets?territory=${at}&pageSize=100`, 'ticket', 'tickets.GetTicket'],
  [
    'postings',
    (at: string) => `/v1/postings?territory=${at.slice(0, 6)}&pageSize=100`,
    'posting',
    'orggraph.GetPosting',
  ],
] as const)('a list of %s holds what its reader may see, and nothing else', async (plural, path, kind, reading) => {
  const differences: string[] = [];
  for (const name of callers.filter((caller) => caller !== 'guest')) {
    for (const place of ['inside', 'outside'] as const) {
      const listed = await holds(
        as(name),
        path(place === 'inside' ? building : elsewhere),
        plural,
        objects[kind].get(place),
      );
      const may = table[reading]?.[place].includes(name) ?? false;
      if (listed !== may) differences.push(`${name}, ${place}: ${listed ? 'listed' : 'not listed'}`);
    }
  }
  expect(differences).toEqual([]);
});

async function holds(caller: Caller, path: string, plural: string, id: string | undefined): Promise<boolean> {
  for (let token = ''; ; ) {
    const { body } = await caller.get(`${path}&pageToken=${encodeURIComponent(token)}`);
    if (body[plural].some((item: { id: string }) => item.id === id)) return true;
    token = body.nextPageToken;
    if (token === '') return false;
  }
}
