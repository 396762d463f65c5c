import type { Account, PersonalData } from '@bandeng/contracts/identity';
import type { Posting } from '@bandeng/contracts/orggraph';
import { PersonalTicket } from '@bandeng/contracts/tickets';
import { type CloudEvent, NotNow, type ReactionDefinition } from '@bandeng/events';
import { type Server, startServer, verifier } from '@bandeng/rpc';
import { addressOf } from '@bandeng/service';
import { eventually, type Parts, parts } from '@bandeng/testing';
import { standIn } from '@bandeng/testing/stand-in';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { erasureReactions } from '../src/erasing.ts';
import { namesOf, peopleOf } from '../src/queries.ts';
import { administrator, type Counter, dispatcher, everythingIn, openCounter, posting } from './counter.ts';

const password = 'a bench to sit on';
const contact = { phone: '19900001234', email: 'mei@example.com' };
const words = ['梅阿姨', 'mei.ayi', contact.phone, contact.email];
const reason = '梅阿姨家漏水，约上门时间';

describe('erasing', () => {
  let given: Parts;
  let counter: Counter;
  let mei: string;
  beforeAll(async () => {
    given = await parts();
  });
  beforeEach(async () => {
    counter = await openCounter(given);
    const asked = { login: 'mei.ayi', name: '梅阿姨', password, ...contact };
    mei = (Object(await counter.ask(administrator, 'RegisterAccount', asked)) as Account).id;
    await counter.ask(administrator, 'RegisterAccount', { login: 'lao.wang', name: '老王' });
    counter.house.directory.learn({ postings: [posting('home', mei, 'RESIDENT', '459901001001501')] });
    await counter.ask(dispatcher, 'ReadContact', { id: mei, reason });
  });
  afterEach(() => counter.close());
  afterAll(() => given.dispose());

  const erase = (by: string, more: object = {}, headers: object = {}) =>
    counter.ask(by, 'EraseAccount', { id: mei, ...more }, headers);
  const registry = () => counter.office.registry;

  /** What a reaction of the service does with the event, as it would from the bus. */
  async function react(name: string, age: number): Promise<void> {
    const found = erasureReactions(counter.office).find((each: ReactionDefinition) => each.name === name);
    const time = new Date(counter.house.now().getTime() - age).toISOString();
    const event: CloudEvent = {
      specversion: '1.0',
      id: `${mei}:2`,
      source: '/bandeng/identity',
      type: 'bandeng.identity.account-erased.v1',
      subject: mei,
      time,
      datacontenttype: 'application/json',
      dataschema: '',
      data: { person: mei },
      sequence: '2',
      sequencetype: 'Integer',
      territory: '4599',
    };
    const actor = { system: 'identity' };
    const reactions = await found?.react(event, { service: 'identity', actor, log: counter.house.log });
    if (reactions === undefined || 'skipped' in reactions) return;
    for (const { run, target } of reactions) {
      const id = `event:${event.id}:${name}:${target}`;
      await run(id, { id, at: counter.house.now().toISOString(), actor });
    }
  }

  it('is possible for whom only the issuer of the city knows, and for nobody else in their name', async () => {
    const id = 'known-elsewhere';
    expect(await counter.ask(mei, 'EraseAccount', { id })).toMatchObject({ status: 404 });
    expect(await counter.ask(administrator, 'EraseAccount', { id, reason: 'ASKED_FOR' })).toMatchObject({
      status: 404,
    });
    expect(await counter.ask(id, 'EraseAccount', { id })).toMatchObject({ id, name: '', erasedAt: expect.any(Date) });
    const history = await registry().accounts.history(id);
    expect(history.map(({ type }) => type)).toEqual(['account-erased']);
  });

  it('leaves nothing readable of the person, and their history', async () => {
    for (const word of [...words.slice(0, 2), reason]) expect(await everythingIn(given.environment)).toContain(word);
    expect(await erase(mei)).toMatchObject({ id: mei, version: 2, name: '', erasedAt: expect.any(Date) });
    await react('erase-reasons', 0);
    const all = await everythingIn(given.environment);
    for (const word of [...words, reason]) expect(all).not.toContain(word);
    const history = await registry().accounts.history(mei);
    expect(history.map(({ type }) => type)).toEqual(['account-registered', 'account-erased']);
    const readings = await registry().readings.collection.find({ person: mei }).toArray();
    expect(readings).toMatchObject([{ reader: dispatcher, words: { reason: { text: '', erased: true } } }]);
    expect(await counter.house.database.collection('contact_keys').countDocuments()).toBe(0);
    expect(await counter.house.database.collection('credentials').countDocuments()).toBe(0);
  });

  it('lets nobody sign in as that person any more, and names them to nobody', async () => {
    await counter.house.database.collection('oidc').insertMany([
      { person: mei, payload: { kind: 'RefreshToken' } },
      { person: 'somebody else', payload: { kind: 'Session' } },
    ]);
    await erase(mei);
    const people = peopleOf(registry());
    expect(await people.byId(mei)).toBeUndefined();
    expect(await people.byLogin('mei.ayi')).toBeUndefined();
    expect(await people.byLogin('')).toBeUndefined();
    expect(await namesOf(registry(), [mei])).toEqual(new Map());
    expect(await counter.house.database.collection('oidc').distinct('person')).toEqual(['somebody else']);
    expect(await counter.askAs('tickets', 'ListEnded', {})).toMatchObject({ people: [mei] });
    expect(await counter.ask(dispatcher, 'ReadContact', { id: mei, reason })).toMatchObject({ status: 404 });
  });

  it('gives the login free for somebody else', async () => {
    await erase(mei);
    const other = await counter.ask(administrator, 'RegisterAccount', { login: 'mei.ayi', name: '另一位' });
    expect(other).toMatchObject({ version: 1 });
  });

  it('is for the person, and for an administrator with a reason', async () => {
    expect(await erase(dispatcher, { reason: 'NO_GROUND' })).toEqual({ refused: 'not-found', status: 404 });
    expect(await erase(administrator)).toEqual({ refused: 'reason-needed', status: 400 });
    expect(await registry().vault.contact(mei)).toEqual(contact);
    expect(await erase(administrator, { reason: 'PURPOSE_ENDED' })).toMatchObject({ id: mei, version: 2 });
    const history = await registry().accounts.history(mei);
    expect(history.at(-1)).toMatchObject({
      actor: { person: administrator, posting: 'p1' },
      data: { reason: 'purpose_ended' },
    });
  });

  it('is for an administrator of all places where the person holds postings, not of one among them', async () => {
    const learn = (id: string, person: string, role: Posting['role'], at: string) =>
      counter.house.directory.learn({ postings: [posting(id, person, role, at)] });
    const reason = 'ASKED_FOR';
    const missing = { refused: 'not-found', status: 404 };
    const supervisor = Object(
      await counter.ask(administrator, 'RegisterAccount', { login: 'supervisor', name: '督办员' }),
    ).id;
    learn('local', 'local', 'ADMINISTRATOR', '459901001001');
    learn('street', 'street', 'ADMINISTRATOR', '459901001');
    // An account without postings lies in the city alone.
    expect(await counter.ask('street', 'GetAccount', { id: supervisor })).toEqual(missing);
    learn('supervising', supervisor, 'CITY_SUPERVISOR', '4599');
    learn('taken', supervisor, 'RESIDENT', '459901001001501');
    for (const by of ['local', 'street']) {
      expect(await counter.ask(by, 'GetAccount', { id: supervisor })).toEqual(missing);
      expect(await counter.ask(by, 'EraseAccount', { id: supervisor, reason })).toEqual(missing);
    }
    expect(await counter.ask('local', 'GetAccount', { id: mei })).toMatchObject({ id: mei });
    learn('helping', mei, 'VOLUNTEER', '459901001002');
    expect(await counter.ask('local', 'GetAccount', { id: mei })).toEqual(missing);
    expect(await erase('local', { reason })).toEqual(missing);
    // What happens at a unit that nobody knows is nowhere but in the city.
    expect(await counter.ask('street', 'GetAccount', { id: mei })).toMatchObject({ id: mei });
    counter.house.directory.learn({
      postings: [{ ...posting('liaising', mei, 'ORGAN_LIAISON', ''), unit: 'unknown' }],
    });
    expect(await erase('street', { reason })).toEqual(missing);
    expect(await counter.ask(mei, 'GetAccount', { id: mei })).toMatchObject({ id: mei });
    expect(await counter.ask(administrator, 'EraseAccount', { id: supervisor, reason })).toMatchObject({ name: '' });
    expect(await erase(administrator, { reason })).toMatchObject({ id: mei, version: 2 });
  });

  it('destroys nothing for a version that the caller has not seen, and happens once', async () => {
    expect(await erase(mei, {}, { ifMatch: '"9"' })).toEqual({ refused: 'stale-version', status: 412 });
    expect(await registry().vault.contact(mei)).toEqual(contact);
    const once = { idempotencyKey: 'for-good', ifMatch: '"1"' };
    expect(await erase(mei, {}, once)).toMatchObject({ version: 2 });
    expect(await erase(mei, {}, once)).toMatchObject({ version: 2 });
    expect(await erase(administrator, { reason: 'ASKED_FOR' })).toMatchObject({ version: 2 });
    expect(await counter.ask(mei, 'ChangeMyContact', contact)).toEqual({ refused: 'erased', status: 409 });
    expect(await registry().vault.contact(mei)).toBeUndefined();
  });

  it('takes the words of an erased reader out of what others see', async () => {
    const at = counter.house.now().toISOString();
    const reader = mei;
    await registry().readings.run('of-another', { id: 'test', at, actor: { person: reader } }, () => ({
      command: { type: 'record', person: 'another', reader, posting: 'p', reason: 'reason', readAt: at },
      words: { reason: { by: reader, text: '我是梅阿姨，有事找' } },
    }));
    await erase(mei);
    await react('erase-reasons', 0);
    expect(Object(await counter.ask('another', 'ListMyContactReadings', {})).contactReadings).toMatchObject([
      { id: 'of-another', reader: mei, readerName: '', reason: '' },
    ]);
    expect(await everythingIn(given.environment)).not.toContain('梅阿姨');
  });

  it('looks once more after calls that were under way have ended', async () => {
    await erase(mei);
    await expect(react('erase-late-reasons', 5_000)).rejects.toThrow(NotNow);
    await react('erase-late-reasons', 31_000);
    expect(await everythingIn(given.environment)).not.toContain(reason);
  });

  describe('what is known of a person', () => {
    let neighbours: Server[];
    beforeEach(async () => {
      const tickets = ['1', '2', '3'].map((id) =>
        PersonalTicket.fromPartial({ id, ordered: true, words: [{ word: 'text', text: `第${id}件事` }] }),
      );
      const preferences = { version: 3, choices: [], language: 'en', quietHours: undefined, digestHour: 18 };
      const standIns = [
        standIn('orggraph', {
          listPostings: async () => ({ postings: [posting('home', mei, 'RESIDENT', '4599')], nextPageToken: '' }),
        }),
        standIn('tickets', {
          listPersonalTickets: async ({ person, pageToken }) => ({
            tickets: person === mei ? tickets.slice(Number(pageToken), Number(pageToken) + 2) : [],
            nextPageToken: pageToken === '' ? '2' : '',
          }),
        }),
        standIn('notifications', {
          getNoticePreferences: async () => ({ ...preferences, channels: [] }),
          listInbox: async () => ({ notices: [], nextPageToken: '' }),
          listMyDeliveries: async () => ({ deliveries: [], nextPageToken: '' }),
        }),
      ];
      neighbours = await Promise.all(
        standIns.map((implementation) => {
          const { service } = implementation;
          const verify = verifier({
            ...{ service, issuer: 'nobody', audience: 'bandeng', keySet: async () => ({ keys: [] }) },
            serviceKeys: { keys: [counter.house.keys.publicKey('identity')] },
          });
          return startServer({
            address: addressOf(service, given.environment),
            implementations: [implementation],
            verify: async (word) => (word.includes('.') ? verify(word) : { kind: 'person', id: word }),
            log: counter.house.log,
            leaveTime: 0,
          });
        }),
      );
      // The directory has asked for orggraph while nobody was there; the channel tries again within a second, and until
      // then every call fails at once.
      await eventually(() => counter.house.clients.orggraph.listPostings({}));
    });
    afterEach(() => Promise.all(neighbours.map((server) => server.stop())));

    it('is told to that person whole, a page at a time', async () => {
      const pages: PersonalData[] = [];
      let pageToken = '';
      do {
        const page = Object(await counter.ask(mei, 'GetMyData', { pageToken })) as PersonalData;
        expect(page).not.toHaveProperty('refused');
        pages.push(page);
        pageToken = page.nextPageToken;
      } while (pageToken !== '');
      expect(pages[0]).toMatchObject({
        account: { id: mei, name: '梅阿姨' },
        login: 'mei.ayi',
        contact,
        contactReadings: [{ reader: dispatcher, reason }],
        noticePreferences: { version: 3, language: 'en' },
      });
      expect(pages.slice(1).map(({ account }) => account)).toEqual(pages.slice(1).map(() => undefined));
      expect(pages.flatMap(({ postings }) => postings)).toMatchObject([{ id: 'home' }]);
      expect(pages.flatMap(({ tickets }) => tickets.map(({ id }) => id))).toEqual(['1', '2', '3']);
    });

    it('is told page by page to nobody else', async () => {
      const first = Object(await counter.ask(mei, 'GetMyData', {})) as PersonalData;
      const stolen = await counter.ask(dispatcher, 'GetMyData', { pageToken: first.nextPageToken });
      expect(stolen).toEqual({ refused: 'page-token-invalid', status: 400 });
    });
  });
});
