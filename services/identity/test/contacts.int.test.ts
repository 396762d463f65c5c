import type { ContactReading } from '@bandeng/contracts/identity';
import { type Parts, parts } from '@bandeng/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  administrator,
  type Counter,
  dispatcher,
  everythingIn,
  openCounter,
  posting,
  resident,
  stranger,
  system,
  worker,
} from './counter.ts';

const contact = { phone: '19900001234', email: 'mei@example.com' };
const reason = '回访：东门路灯修好了没有';

describe('contacts', () => {
  let given: Parts;
  let counter: Counter;
  beforeAll(async () => {
    given = await parts();
  });
  beforeEach(async () => {
    counter = await openCounter(given);
    for (const [id, name] of [
      [resident, '梅阿姨'],
      [dispatcher, '老王'],
      [worker, '小孙'],
    ] as const) {
      const at = counter.house.now().toISOString();
      const context = { id: `test:${id}`, at, actor: { system: 'test' } };
      await counter.office.registry.registerAccount({ id, name, language: 'zh-CN' }, context);
    }
    await counter.ask(resident, 'ChangeMyContact', contact);
  });
  afterEach(() => counter.close());
  afterAll(() => given.dispose());

  const read = (by: string, of = resident, headers: object = {}) =>
    counter.ask(by, 'ReadContact', { id: of, reason }, headers);
  const readings = async (person = resident, request: object = {}): Promise<ContactReading[]> =>
    Object(await counter.ask(person, 'ListMyContactReadings', request)).contactReadings;

  it('are changed as a whole by their person, and no copy of them is readable', async () => {
    expect(await counter.ask(resident, 'GetMyContact', {})).toEqual(contact);
    expect(await counter.ask(resident, 'ChangeMyContact', { email: 'mei@example.org' })).toEqual({
      phone: '',
      email: 'mei@example.org',
    });
    const all = await everythingIn(given.environment);
    for (const word of [contact.phone, 'mei@example.com', 'mei@example.org']) expect(all).not.toContain(word);
    expect(await counter.ask(resident, 'ChangeMyContact', {})).toEqual({ phone: '', email: '' });
    expect(await counter.office.registry.vault.contact(resident)).toBeUndefined();
    expect(await counter.ask(resident, 'ChangeMyContact', contact, { ifMatch: '"1"' })).toMatchObject({ status: 412 });
    expect(await counter.office.registry.vault.contact(resident)).toBeUndefined();
  });

  it('are those of people: systems have none, nor a password, nor data of their own', async () => {
    const passwords = { oldPassword: 'x', newPassword: 'another bench to sit on' };
    for (const [name, request] of [
      ['GetMyContact', {}],
      ['ChangeMyContact', contact],
      ['ChangeMyPassword', passwords],
      ['GetMyData', {}],
    ] as const) {
      expect(await counter.ask(system, name, request), name).toEqual({ refused: 'people-only', status: 403 });
    }
    expect(await readings(system)).toEqual([]);
    // Whom the city's own issuer knows and nobody registered here.
    const nobody = { refused: 'no-account', status: 409 };
    expect(await counter.ask(stranger, 'ChangeMyContact', contact)).toEqual(nobody);
    expect(await counter.ask(stranger, 'ChangeMyPassword', passwords)).toEqual(nobody);
    expect(await counter.ask(stranger, 'GetMyContact', {})).toEqual({ phone: '', email: '' });
  });

  it('are read by those who look after where the person lives, and by nobody else', async () => {
    expect(await read(dispatcher)).toEqual(contact);
    expect(await read(worker)).toEqual(contact);
    for (const other of [administrator, stranger, resident, 'nobody']) {
      expect(await read(other)).toEqual({ refused: 'not-found', status: 404 });
    }
    await counter.ask(stranger, 'ChangeMyContact', contact);
    // Who helps out in a community does not live there.
    expect(await read(dispatcher, stranger)).toEqual({ refused: 'not-found', status: 404 });
    expect(await read(dispatcher, dispatcher)).toEqual({ refused: 'not-found', status: 404 });
  });

  it('are not read without a reason', async () => {
    const asked = { id: resident, reason: '' };
    expect(await counter.ask(dispatcher, 'ReadContact', asked)).toEqual({ refused: 'invalid-request', status: 400 });
    expect(await readings()).toEqual([]);
  });

  it('are read on the record, and the person sees who read them in which capacity, when and why', async () => {
    await read(dispatcher);
    counter.wait(1_000);
    await read(worker);
    const seen = await readings();
    expect(seen).toMatchObject([
      { reader: worker, readerName: '小孙', posting: 'p4', role: 'GRID_WORKER', place: '第一网格', reason },
      { reader: dispatcher, readerName: '老王', posting: 'p3', role: 'COMMUNITY_DISPATCHER', place: '大修厂社区' },
    ]);
    const [, first] = seen;
    const history = await counter.office.registry.readings.history(first?.id ?? '');
    expect(history).toMatchObject([{ type: 'contact-read', actor: { person: dispatcher, posting: 'p3' } }]);
    expect(JSON.stringify(history)).not.toContain(reason);
    expect(await readings(dispatcher)).toEqual([]);
  });

  it('are read once for a repeated call, while that can be one answer that was lost', async () => {
    const again = { idempotencyKey: 'one-reading' };
    expect(await read(dispatcher, resident, again)).toEqual(contact);
    expect(await read(dispatcher, resident, again)).toEqual(contact);
    expect(await readings()).toHaveLength(1);
    counter.wait(6 * 60_000);
    expect(await read(dispatcher, resident, again)).toEqual({ refused: 'reading-over', status: 422 });
  });

  it('are read in one capacity: who has two says which', async () => {
    counter.house.directory.learn({ postings: [posting('p7', worker, 'COMMUNITY_SECRETARY', '459901001001')] });
    expect(await read(worker)).toEqual({ refused: 'capacity-needed', status: 400 });
    expect(await read(worker, resident, { actingAs: 'p7' })).toEqual(contact);
    expect(await readings()).toMatchObject([{ posting: 'p7', role: 'COMMUNITY_SECRETARY' }]);
  });

  it('that are not there are no reading', async () => {
    await counter.ask(resident, 'ChangeMyContact', {});
    expect(await read(dispatcher)).toEqual({ refused: 'no-contact', status: 422 });
    expect(await readings()).toEqual([]);
  });

  it('are listed a page at a time', async () => {
    for (let time = 0; time < 5; time++) {
      await read(dispatcher);
      counter.wait(10);
    }
    const page = Object(await counter.ask(resident, 'ListMyContactReadings', { pageSize: 3 }));
    expect(page.contactReadings).toHaveLength(3);
    const rest = Object(
      await counter.ask(resident, 'ListMyContactReadings', { pageSize: 3, pageToken: page.nextPageToken }),
    );
    expect(rest).toMatchObject({ nextPageToken: '' });
    const ids = [...page.contactReadings, ...rest.contactReadings].map(({ id }: ContactReading) => id);
    expect(new Set(ids).size).toBe(5);
    const foreign = await counter.ask(worker, 'ListMyContactReadings', { pageToken: page.nextPageToken });
    expect(foreign).toEqual({ refused: 'page-token-invalid', status: 400 });
  });

  it('are given to the service that sends notices, and to no other', async () => {
    const asked = { person: resident };
    expect(await counter.askAs('notifications', 'GetContactForDelivery', asked)).toEqual({
      email: contact.email,
      language: 'zh-CN',
    });
    expect(await counter.askAs('tickets', 'GetContactForDelivery', asked)).toMatchObject({ status: 403 });
    expect(await counter.ask(dispatcher, 'GetContactForDelivery', asked)).toMatchObject({ status: 403 });
    // What it shows to another service opens nothing here to whoever has taken that one over.
    expect(await counter.askAs('notifications', 'GetContactForDelivery', asked, 'orggraph')).toEqual({
      refused: 'token-invalid',
      status: 401,
    });
  });
});
