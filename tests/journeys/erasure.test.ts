import { demoPassword } from '@bandeng/city';
import { signIn } from '@bandeng/deploy/sign-in';
import { eventually } from '@bandeng/testing';
import { type Caller, type Town, town } from '@bandeng/testing/town';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Binary, MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/**
 * A person comes, orders, is called back, takes their data along and is erased. Afterwards nothing readable of them is left
 * in any database, stream or log, and the case is as whole as before.
 */

const password = 'the bench under the camphor tree';
const person = {
  login: 'ou.yang.mingmei',
  name: '欧阳明媚',
  phone: '+86 199 0000 7788',
  email: 'mingmei@example.com',
};
const words = {
  text: '我家楼上漏水，水渍越来越大',
  place: '三号楼北侧墙角',
  displayName: '明媚阿姨',
  remark: '师傅来得快，墙也补了',
  reason: '约欧阳明媚看漏水的时间',
};
const letter = '尊敬的社区：我是三号楼的欧阳明媚';
const document = `%PDF-1.4\n1 0 obj\n<</Title (${letter})>>\nendobj\ntrailer\n<<>>\n%%EOF\n`;
/** Idempotency keys are free text of whoever calls: none is kept at all. */
const keys = {
  order: 'mingmei-has-a-leak',
  evidence: 'letter-of-mingmei',
  rate: 'thanks-and-goodbye-to-all',
  reading: 'calling-mingmei-back',
  erasure: 'mingmei-says-goodbye',
};
const keyed = (key: string): Record<string, string> => ({ 'idempotency-key': key });
const readable = [
  ...Object.values(person),
  ...Object.values(words),
  ...Object.values(keys),
  ...[password, '19900007788', letter],
];

let city: Town;
let administrator: Caller;
let dispatcher: Caller;
let member: Caller;
let issuer: string;
let id: string;
let token: string;
let home: string;
let ticket: string;
let followCode: string;
let file: string;
let fileByCode: string;

beforeAll(async () => {
  city = await town({ apart: true, environment: { BANDENG_LOG_LEVEL: 'debug' } });
  issuer = `${city.address}/oidc`;
  [administrator, dispatcher, member] = await Promise.all([
    city.as('administrator'),
    city.as('community_dispatcher'),
    city.as('member'),
  ]);
  home = city.plan.postings.find(({ role }) => role === 'resident')?.territory ?? '';
}, 120_000);
afterAll(() => city?.stop());

const they = (): Caller => city.with(token);
const events = (entries: { event: string }[]): string[] => entries.map(({ event }) => event);
const timeline = async () => (await dispatcher.get(`/v1/tickets/${ticket}/timeline`)).body.entries;

/** Bytes as what they say: MongoDB's own JSON would hide them in base64. */
function bytesAsText(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const kept = this[key];
  return kept instanceof Binary ? Buffer.from(kept.buffer).toString('utf8') : value;
}

/** All documents of all collections of all services. */
async function databases(): Promise<string> {
  const mongo = await MongoClient.connect(city.parts.mongodbUri);
  try {
    const { databases: all } = await mongo.db('admin').admin().listDatabases({ nameOnly: true });
    const own = all.map(({ name }) => name).filter((name) => name.startsWith(`${city.parts.databasePrefix}_`));
    expect(own.length).toBeGreaterThanOrEqual(4);
    const texts: string[] = [];
    for (const name of own) {
      for (const collection of await mongo.db(name).collections()) {
        for await (const found of collection.find()) texts.push(JSON.stringify(found, bytesAsText));
      }
    }
    return texts.join('\n');
  } finally {
    await mongo.close();
  }
}

/** All messages of all streams, as they lie there. */
async function streams(): Promise<string> {
  const { username: user, password: pass, host } = new URL(city.parts.natsUrl);
  const connection = await connect({ servers: host, ...(user ? { user, pass } : {}) });
  try {
    const manager = await jetstreamManager(connection);
    const texts: string[] = [];
    for await (const { config, state } of manager.streams.list()) {
      if (state.messages === 0) continue;
      const consumer = await jetstream(connection).consumers.get(config.name);
      for await (const message of await consumer.consume()) {
        texts.push(message.subject, message.headers?.toString() ?? '', message.string());
        if (message.info.pending === 0) break;
      }
    }
    return texts.join('\n');
  } finally {
    await connection.close();
  }
}

describe('a person', () => {
  test('is registered, lives somewhere and signs in', async () => {
    const registered = await administrator.post('/v1/accounts', { ...person, password });
    expect(registered.status, JSON.stringify(registered.body)).toBe(201);
    id = registered.body.id;
    const posted = await administrator.post('/v1/postings', { person: id, role: 'RESIDENT', territory: home });
    expect(posted.status).toBe(201);
    token = await signIn(issuer, person.login, password);
    expect((await they().get('/v1/me/contact')).body).toEqual({ phone: person.phone, email: person.email });
  });

  test('orders, is helped, and rates', async () => {
    const { text, place, displayName } = words;
    const category = city.plan.categories[0]?.join('.');
    const order = { text, place, displayName, territory: home, category };
    const ordered = await they().post('/v1/tickets', order, keyed(keys.order));
    expect(ordered.status, JSON.stringify(ordered.body)).toBe(201);
    const again = await they().post('/v1/tickets', order, keyed(keys.order));
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.body.id).toBe(ordered.body.id);
    ticket = ordered.body.id;
    followCode = ordered.body.followCode;
    const form = new FormData();
    form.append('file', new Blob([document]), '欧阳明媚家.pdf');
    const headers = { authorization: `Bearer ${token}`, ...keyed(keys.evidence) };
    const path = `${city.address}/v1/tickets/${ticket}/evidence`;
    const added = await fetch(path, { method: 'POST', body: form, headers });
    expect(added.status).toBe(201);
    file = Object(await added.json()).evidence[0].file;
    const openCall = home.slice(0, 12);
    for (const [by, verb, body] of [
      [dispatcher, 'dispatch', { handler: { openCall }, note: '就近的来' }],
      [member, 'accept', {}],
      [member, 'resolve', { resolution: '换了水管' }],
    ] as const) {
      const done = await by.post(`/v1/tickets/${ticket}:${verb}`, body);
      expect(done.status, `${verb}: ${JSON.stringify(done.body)}`).toBe(200);
    }
  });

  test('says more without signing in, by the code of the order', async () => {
    const form = new FormData();
    form.append('file', new Blob([`${document}%${letter}`]), '又一封.pdf');
    const added = await fetch(`${city.address}/v1/follow/${followCode}/evidence`, { method: 'POST', body: form });
    expect(added.status).toBe(201);
    fileByCode = Object(await added.json()).evidence[1].file;
    const remark = { satisfaction: 'VERY_SATISFIED', remark: words.remark };
    const rated = await city.with(undefined).post(`/v1/follow/${followCode}:rate`, remark, keyed(keys.rate));
    expect(rated.status, JSON.stringify(rated.body)).toBe(200);
  });

  test('sees who read their contact and why', async () => {
    const path = `/v1/accounts/${id}:read-contact`;
    // The posting takes a moment to be known everywhere.
    await eventually(async () => {
      const { status, body } = await dispatcher.post(path, { reason: words.reason }, keyed(keys.reading));
      expect({ status, body }).toEqual({ status: 200, body: { phone: person.phone, email: person.email } });
    });
    expect((await dispatcher.post(path, {})).status).toBe(400);
    expect((await member.post(path, { reason: words.reason })).status).toBe(404);
    const { body } = await they().get('/v1/me/contact-readings');
    const name = city.plan.accounts.find(({ login }) => login === 'community_dispatcher')?.name;
    expect(body.contactReadings).toMatchObject([
      { readerName: name, role: 'COMMUNITY_DISPATCHER', reason: words.reason },
    ]);
  });

  test('takes along all that is known of them', async () => {
    await eventually(async () => expect((await they().get('/v1/inbox')).body.notices.length).toBeGreaterThan(2));
    const pages = await dataOf(they());
    const all = JSON.stringify(pages);
    for (const word of [...Object.values(person), ...Object.values(words)]) expect(all).toContain(word);
    expect(pages.flatMap(({ postings = [] }) => postings)).toMatchObject([{ person: id, territory: home }]);
    expect(pages.flatMap(({ tickets = [] }) => tickets)).toMatchObject([
      { id: ticket, ordered: true, status: 'RATED' },
    ]);
    expect(pages.flatMap(({ notices = [] }) => notices).length).toBeGreaterThan(2);
    // And whoever read their contact what they wrote of it.
    const read = (await dataOf(dispatcher)).flatMap(({ ownContactReadings = [] }) => ownContactReadings);
    expect(read).toMatchObject([{ person: id, reason: words.reason, role: 'COMMUNITY_DISPATCHER' }]);
  });
});

/** All pages of what a person takes along. */
async function dataOf(by: Caller): Promise<Record<string, unknown[]>[]> {
  const pages: Record<string, unknown[]>[] = [];
  for (let pageToken: string | undefined; pageToken !== ''; ) {
    const query = pageToken === undefined ? '' : `?pageToken=${encodeURIComponent(pageToken)}`;
    const { body, status } = await by.get(`/v1/me/data${query}`);
    expect(status, JSON.stringify(body)).toBe(200);
    pages.push(body);
    pageToken = body.nextPageToken;
  }
  return pages;
}

describe('erased', () => {
  let before: { event: string }[];

  test('they are gone at once: nobody signs in as them, and the token they have is refused', async () => {
    before = await timeline();
    const all = await databases();
    for (const word of [person.name, person.login, letter, ...Object.values(words)]) expect(all).toContain(word);
    for (const key of Object.values(keys)) expect(all).not.toContain(key);
    const other = await member.post(`/v1/accounts/${id}:erase`, { reason: 'ASKED_FOR' });
    expect(other.status).toBe(404);
    const erased = await they().post(`/v1/accounts/${id}:erase`, {}, keyed(keys.erasure));
    expect(erased.status, JSON.stringify(erased.body)).toBe(200);
    expect(erased.body).toMatchObject({ id, name: '', erasedAt: expect.any(String) });
    await expect(signIn(issuer, person.login, password)).rejects.toThrow();
    for (const path of ['/v1/me', '/v1/tickets', '/v1/inbox', '/v1/postings?person=x']) {
      await eventually(async () => expect((await they().get(path)).status, path).toBe(401));
    }
    expect((await they().post('/v1/tickets', { text: words.text, territory: home, category: 'x' })).status).toBe(401);
  });

  test('nothing readable of them is left in any database, stream or log', async () => {
    await eventually(
      async () => {
        const all = await databases();
        expect(readable.filter((word) => all.includes(word))).toEqual([]);
      },
      { within: 15_000 },
    );
    const said = await streams();
    expect(said).toContain(id);
    expect(said).toContain('bandeng.identity.account-erased.v1');
    const log = city.log();
    expect(log).toContain('"level":"debug"');
    for (const word of readable) {
      expect(said, 'streams').not.toContain(word);
      expect(log, 'log').not.toContain(word);
    }
  });

  test('the case keeps its history, for colleagues and for who holds its code', async () => {
    const after = await timeline();
    expect(events(after)).toEqual([...events(before), 'words-erased']);
    expect(after.map(({ person: by }: { person: string }) => by).slice(0, -1)).toContain(id);
    const { body } = await dispatcher.get(`/v1/tickets/${ticket}`);
    expect(body).toMatchObject({ status: 'RATED', orderer: id, text: '', displayName: '', rating: 'VERY_SATISFIED' });
    expect(body.resolution).toBe('换了水管');
    for (const one of [file, fileByCode]) {
      expect((await dispatcher.get(`/v1/tickets/${ticket}/evidence/${one}`)).status).toBe(404);
      expect((await city.with(undefined).get(`/v1/follow/${followCode}/evidence/${one}`)).status).toBe(404);
    }
    const followed = await city.with(undefined).get(`/v1/follow/${followCode}`);
    expect(followed.body).toMatchObject({ status: 'RATED', text: '', resolution: '换了水管' });
  });

  test('they hold no posting, have no name, and their login is free', async () => {
    await eventually(async () => {
      const { body } = await administrator.get(`/v1/postings?person=${id}`);
      expect(body.postings).toMatchObject([{ person: id, validUntil: expect.any(String) }]);
    });
    const account = await administrator.get(`/v1/accounts/${id}`);
    expect(account.body).toMatchObject({ id, name: '', version: 2, erasedAt: expect.any(String) });
    const again = await administrator.post('/v1/accounts', { login: person.login, name: '另一位', password });
    expect(again.status).toBe(201);
    expect(again.body.id).not.toBe(id);
  });

  test('everybody else is as before', async () => {
    const resident = city.with(await signIn(issuer, 'resident', demoPassword));
    expect((await resident.get('/v1/me')).body.account.name).not.toBe('');
  });
});
