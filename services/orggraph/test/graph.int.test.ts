import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Directory, openDirectory } from '@bandeng/directory';
import { connectBus } from '@bandeng/events';
import { connectMongo } from '@bandeng/records';
import { connect, serviceTokens } from '@bandeng/rpc';
import { addressOf, visit } from '@bandeng/service';
import { openLogger } from '@bandeng/telemetry';
import { eventually, type KillableParts, killableParts } from '@bandeng/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { orggraph } from '../src/main.ts';
import { postingsFilter, unitsFilter } from '../src/queries.ts';
import { openGraph } from '../src/records.ts';
import { openStand, type Stand } from './neighbours.ts';

const city = '4599';
const community = '459902001001';
const compound = `${community}501`;
const grid = `${community}001`;
const people = ['admin', 'dispatcher', 'member', 'liaison', 'street-admin'];

let parts: KillableParts;
let stand: Stand;

const as: Stand['as'] = (...asked) => stand.as(...asked);

beforeAll(async () => {
  parts = await killableParts();
  const validFrom = '2026-01-01T00:00:00.000Z';
  stand = await openStand(parts, people, {
    territories: [
      { code: '45', name: '示范省', covers: [] },
      { code: city, name: '板凳市', covers: [] },
    ],
    units: [],
    postings: [
      { id: 'first', person: 'admin', role: 'administrator', territory: city, validFrom },
      { id: 'second', person: 'street-admin', role: 'administrator', territory: '459902001', validFrom },
    ],
  });
});
afterAll(async () => {
  await stand?.stop();
  await parts?.dispose();
});

describe('An administrator builds the graph', () => {
  test('territories from the top down, the padded national form included', async () => {
    for (const [id, name] of [
      ['459902000000', '示范区'],
      ['459902001', '老街街道'],
      [community, '大修厂社区'],
      [compound, '大修厂小区'],
      [`${compound}001`, '1栋'],
      [grid, '第一网格'],
    ]) {
      const { status, reason, body } = await as('admin', 'RegisterTerritory', { id, name });
      expect({ id, status, reason }).toEqual({ id, status: 200, reason: '' });
      expect(body.version).toBe(1);
    }
    const { body } = await as('admin', 'GetTerritory', { id: '459902000000' });
    expect(body).toMatchObject({ id: '459902', kind: 'DISTRICT', parent: city, name: '示范区' });
    const children = await stand.caller.call('ListTerritories', { parent: community });
    expect(children.body.territories.map(({ id }: { id: string }) => id)).toEqual([grid, compound]);
  });

  test('a grid covers a compound, and each refusal names its field', async () => {
    const covered = await as('admin', 'CoverTerritories', { id: grid, covers: [compound] });
    expect(covered.body).toMatchObject({ version: 2, covers: [compound] });
    const outside = await as('admin', 'CoverTerritories', { id: grid, covers: [compound, '459902001002501'] });
    expect(outside).toMatchObject({ status: 422, reason: 'outside-this-community', fields: ['covers[1]'] });
    const unknown = await as('admin', 'CoverTerritories', { id: grid, covers: [`${community}777`] });
    expect(unknown).toMatchObject({ status: 422, reason: 'unknown-territory', fields: ['covers[0]'] });
    const notAGrid = await as('admin', 'CoverTerritories', { id: compound, covers: [`${compound}001`] });
    expect(notAGrid).toMatchObject({ status: 422, reason: 'not-a-grid', fields: ['id'] });
  });

  test('what is wrong with a territory is said', async () => {
    const orphan = await as('admin', 'RegisterTerritory', { id: '459903001', name: '无区街道' });
    expect(orphan).toMatchObject({ status: 422, reason: 'unknown-territory', fields: ['id'] });
    const noCode = await as('admin', 'RegisterTerritory', { id: '45990', name: '五位' });
    expect(noCode).toMatchObject({ status: 400, reason: 'not-a-code', fields: ['id'] });
    const nameless = await as('admin', 'RegisterTerritory', { id: '459903', name: '' });
    expect(nameless).toMatchObject({ status: 400, fields: ['name'] });
    const again = await as('admin', 'RegisterTerritory', { id: compound, name: '大修厂小区' });
    expect(again.body).toMatchObject({ version: 1 });
    const renamed = await as('admin', 'RegisterTerritory', { id: compound, name: '别的小区' });
    expect(renamed).toMatchObject({ status: 409, reason: 'already-registered' });
  });

  test('units by the order of Chinese dictionaries, page by page', async () => {
    for (const name of ['住建局', '城管局', '民政局', '公安局', '财政局']) {
      const unit = await as('admin', 'RegisterUnit', { kind: 'CITY_ORGAN', name, territory: city });
      expect(unit.status).toBe(200);
    }
    const wrong = await as('admin', 'RegisterUnit', {
      kind: 'ENTERPRISE',
      name: '便民超市',
      territory: community,
      creditCode: '91350100M000100Y44',
    });
    expect(wrong.body).toMatchObject({ warnings: ['credit-code-check-character'] });
    const names: string[] = [];
    let pageToken = '';
    do {
      const { body } = await as('member', 'ListUnits', { territory: city, pageSize: 2, pageToken });
      names.push(...body.units.map(({ name }: { name: string }) => name));
      pageToken = body.nextPageToken ?? '';
    } while (pageToken !== '');
    expect(names).toEqual(['便民超市', '财政局', '城管局', '公安局', '民政局', '住建局']);
    const page = await as('member', 'ListUnits', { territory: city, pageSize: 2 });
    const foreign = await as('admin', 'ListUnits', {
      territory: city,
      pageSize: 2,
      pageToken: page.body.nextPageToken,
    });
    expect(foreign).toMatchObject({ status: 400, reason: 'page-token-invalid', fields: ['pageToken'] });
    const other = await as('member', 'ListUnits', { kind: 'ENTERPRISE', pageToken: page.body.nextPageToken });
    expect(other.reason).toBe('page-token-invalid');
    const both = await as('member', 'ListUnits', { kind: 'ENTERPRISE', territory: city });
    expect(both).toMatchObject({ status: 400, reason: 'one-filter-only' });
    expect((await as('member', 'ListUnits', { kind: 'ENTERPRISE' })).body.units).toHaveLength(1);
    expect((await as('member', 'GetUnit', { id: wrong.body.id })).body.name).toBe('便民超市');
    expect(await as('member', 'GetUnit', { id: 'none' })).toMatchObject({ status: 404 });
  });

  test('the same command twice happens once, with another body it is refused', async () => {
    const request = { kind: 'VOLUNTEER_TEAM', name: '板凳志愿队', territory: community };
    const first = await as('admin', 'RegisterUnit', request, { key: 'team-1' });
    const second = await as('admin', 'RegisterUnit', request, { key: 'team-1' });
    expect(second).toMatchObject({ replayed: true, body: { id: first.body.id } });
    const other = await as('admin', 'RegisterUnit', { ...request, name: '另一队' }, { key: 'team-1' });
    expect(other).toMatchObject({ status: 422, reason: 'key-reused' });
  });
});

describe('Postings', () => {
  test('start where the role is held, for people who have an account', async () => {
    const { body: units } = await as('admin', 'ListUnits', { kind: 'CITY_ORGAN', pageSize: 1 });
    const unit = units.units[0].id;
    const start = (request: object) => as('admin', 'StartPosting', request);
    expect(await start({ person: 'liaison', role: 'ORGAN_LIAISON', unit })).toMatchObject({ status: 200 });
    expect(await start({ person: 'nobody', role: 'MEMBER', territory: community })).toMatchObject({
      status: 422,
      reason: 'unknown-person',
      fields: ['person'],
    });
    expect(await start({ person: 'liaison', role: 'ORGAN_LIAISON', unit: 'none' })).toMatchObject({
      reason: 'unknown-unit',
      fields: ['unit'],
    });
    expect(await start({ person: 'member', role: 'MEMBER', territory: compound })).toMatchObject({
      reason: 'wrong-place',
      fields: ['territory'],
    });
    expect(await start({ person: 'member', role: 'MEMBER', territory: '459902001009' })).toMatchObject({
      reason: 'unknown-territory',
      fields: ['territory'],
    });
    expect(await start({ person: 'member', role: 'MEMBER', unit, territory: community })).toMatchObject({
      reason: 'wrong-place',
      fields: ['unit'],
    });
  });

  test('are given only below the place of the administrator', async () => {
    const start = (territory: string) =>
      as('street-admin', 'StartPosting', { person: 'member', role: 'VOLUNTEER', territory });
    expect(await start(community)).toMatchObject({ status: 200 });
    expect(await start('459902')).toMatchObject({ status: 403, reason: 'not-permitted' });
    const byNobody = await as('member', 'StartPosting', { person: 'member', role: 'ADMINISTRATOR', territory: city });
    expect(byNobody).toMatchObject({ status: 403, reason: 'not-permitted' });
    expect(await stand.caller.call('StartPosting', { person: 'x', role: 'MEMBER' })).toMatchObject({ status: 401 });
  });

  test('are seen by whom they concern and by administrators of the place', async () => {
    const own = await as('member', 'ListPostings', {});
    expect(own.body.postings.map(({ role }: { role: string }) => role)).toEqual(['VOLUNTEER']);
    const street = await as('street-admin', 'ListPostings', {});
    expect(street.body.postings.map(({ person }: { person: string }) => person)).toEqual(['member', 'street-admin']);
    const all = await as('admin', 'ListPostings', { territory: city, pageSize: 2 });
    expect(all.body.postings).toHaveLength(2);
    const rest = await as('admin', 'ListPostings', { territory: city, pageSize: 2, pageToken: all.body.nextPageToken });
    expect(rest.body.postings).toHaveLength(2);
    expect(await as('member', 'GetPosting', { id: 'first' })).toMatchObject({ status: 404 });
    expect((await as('member', 'ListPostings', { person: 'admin' })).body.postings ?? []).toEqual([]);
  });

  test('end once, and not with a version that has changed', async () => {
    const { body: started } = await as('admin', 'StartPosting', {
      person: 'member',
      role: 'MEMBER',
      territory: community,
    });
    const stale = await as('admin', 'EndPosting', { id: started.id }, { ifMatch: '"9"' });
    expect(stale).toMatchObject({ status: 412, reason: 'stale-version' });
    const reversed = await as('admin', 'EndPosting', { id: started.id, at: new Date('2020-01-01') });
    expect(reversed).toMatchObject({ status: 422, reason: 'period-reversed', fields: ['at'] });
    const ended = await as('admin', 'EndPosting', { id: started.id });
    expect(ended.body).toMatchObject({ version: 2 });
    expect(ended.body.validUntil).toBeDefined();
    expect(await as('admin', 'EndPosting', { id: started.id })).toMatchObject({ status: 409, reason: 'already-ended' });
    expect(await as('admin', 'EndPosting', { id: 'none' })).toMatchObject({ status: 404 });
  });

  test('of an administrator that has ended opens nothing at once', async () => {
    const { body: started } = await as('admin', 'StartPosting', {
      person: 'dispatcher',
      role: 'ADMINISTRATOR',
      territory: community,
    });
    const register = () => as('dispatcher', 'RegisterTerritory', { id: `${community}502`, name: '新小区' });
    expect((await register()).status).toBe(200);
    await as('admin', 'EndPosting', { id: started.id });
    expect(await register()).toMatchObject({ status: 403 });
  });
});

describe('Another service', () => {
  let directory: Directory;
  const closing: (() => Promise<void>)[] = [];

  async function openElsewhere(name: string): Promise<Directory> {
    const key = readFileSync(join(parts.environment.BANDENG_DATA ?? '', 'keys', 'service-tickets.jwk'), 'utf8');
    const log = openLogger(name, 'silent');
    const token = serviceTokens({ service: 'tickets', privateKey: JSON.parse(key) });
    const client = connect('orggraph', { address: addressOf('orggraph', parts.environment), token });
    const bus = connectBus({ url: parts.natsUrl, name, log });
    const mongo = await connectMongo(parts.mongodbUri);
    const opened = await openDirectory({
      database: mongo.db(`${parts.databasePrefix}_${name}`),
      orggraph: client,
      bus,
      log,
    });
    closing.push(async () => {
      await opened.close();
      client.close();
      await bus.close();
      await mongo.close();
    });
    return opened;
  }

  const counts = (person: string) => directory.postingsOf(person, new Date()).length;

  beforeAll(async () => {
    directory = await openElsewhere('elsewhere');
  });
  afterAll(async () => {
    for (const close of closing) await close();
  });

  test('knows the whole graph, and which grids cover a place', async () => {
    await directory.whenReady();
    expect(directory.unit((await as('admin', 'ListUnits', { kind: 'ENTERPRISE' })).body.units[0].id)?.name).toBe(
      '便民超市',
    );
    expect(directory.ancestors(`${compound}001`)).toEqual([
      '45',
      city,
      '459902',
      '459902001',
      community,
      compound,
      `${compound}001`,
      grid,
    ]);
    expect(directory.holders({ territory: city, roles: ['administrator'], at: new Date() })).toEqual(['admin']);
  });

  test('hears of a posting and of its end within two seconds by the bus', async () => {
    const { body } = await as('admin', 'StartPosting', {
      person: 'dispatcher',
      role: 'COMMUNITY_DISPATCHER',
      territory: community,
    });
    await eventually(() => counts('dispatcher') === 1, { within: 2_000 });
    await as('admin', 'EndPosting', { id: body.id });
    await eventually(() => counts('dispatcher') === 0, { within: 2_000 });
  });

  test('hears of it within seconds while NATS is away, and goes on when it is back', async () => {
    await parts.natsServer.stop();
    const { body } = await as('admin', 'StartPosting', {
      person: 'dispatcher',
      role: 'COMMUNITY_SECRETARY',
      territory: community,
    });
    await eventually(() => counts('dispatcher') === 1, { within: 4_000 });
    await as('admin', 'EndPosting', { id: body.id });
    await eventually(() => counts('dispatcher') === 0, { within: 4_000 });
    await parts.natsServer.start();
    const { body: next } = await as('admin', 'StartPosting', {
      person: 'liaison',
      role: 'MEMBER',
      territory: community,
    });
    await eventually(() => counts('liaison') === 2, { within: 10_000 });
    await as('admin', 'EndPosting', { id: next.id });
    await eventually(() => counts('liaison') === 1, { within: 10_000 });
  });

  test('starts from its copy while orggraph is away, and catches up', async () => {
    await stand.service.stop();
    const again = await openElsewhere('elsewhere');
    expect(again.ready()).toBe(true);
    expect(again.size()).toEqual(directory.size());
    stand.service = await orggraph.start(parts.environment);
    const posting = { person: 'dispatcher', role: 'MEMBER', territory: community };
    await eventually(async () => (await as('admin', 'StartPosting', posting, { key: 'back' })).status === 200);
    await eventually(() => again.postingsOf('dispatcher', new Date()).length === 1, { within: 10_000 });
  });
});

test('every list goes by an index from end to end', async () => {
  await visit('orggraph', parts.environment, async (house) => {
    const { units, territories, postings } = await openGraph(house.records);
    const after = ['2026-11-24T00:00:00.000Z', 'x'] as const;
    const name = ['民政局', 'x'] as const;
    const permitted = { $or: [{ territories: '459902' }, { territories: '459903' }, { person: 'member' }] };
    const collation = { locale: 'zh' };
    const newest = { createdAt: -1, _id: -1 } as const;
    const plans = await Promise.all([
      ...[{}, { kind: 'city_organ' as const }, { territory: city }].flatMap((by) =>
        [undefined, name].map((key) =>
          units.collection
            .find(unitsFilter(by, key), { sort: { name: 1, _id: 1 }, collation, limit: 3 })
            .explain('executionStats'),
        ),
      ),
      ...[{}, { person: 'member' }, { unit: 'u' }, { territories: community }].flatMap((asked) =>
        [undefined, after].map((key) =>
          postings.collection
            .find(postingsFilter(asked, permitted, key) ?? {}, { sort: newest, limit: 3 })
            .explain('executionStats'),
        ),
      ),
      territories.collection.find({ parent: community }, { sort: { _id: 1 }, limit: 3 }).explain('executionStats'),
      postings.collection
        .find({ changedAt: { $gte: new Date() } }, { sort: { changedAt: 1, _id: 1 } })
        .explain('executionStats'),
    ]);
    for (const plan of plans) {
      const stages = JSON.stringify(plan.queryPlanner.winningPlan);
      expect(stages).not.toContain('"COLLSCAN"');
      expect(stages).not.toContain('"stage":"SORT"');
      expect(plan.executionStats.totalDocsExamined).toBeLessThanOrEqual(plan.executionStats.nReturned * 1.2);
    }
  });
});

test('is not ready as long as its database has frozen', async () => {
  expect(await stand.service.ready()).toBe(true);
  parts.mongod.freeze();
  try {
    // It may answer once more: the signal arrives when it arrives.
    await eventually(async () => expect(await stand.service.ready()).toBe(false), { within: 1_000 });
    const asked = performance.now();
    expect(await stand.service.ready()).toBe(false);
    expect(performance.now() - asked).toBeLessThan(4_000);
  } finally {
    parts.mongod.thaw();
  }
  await eventually(async () => expect(await stand.service.ready()).toBe(true), { within: 15_000 });
});
