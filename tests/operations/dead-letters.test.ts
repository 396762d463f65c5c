import { eventually, settled } from '@bandeng/testing';
import { type Town, town } from '@bandeng/testing/town';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bandeng } from './bandeng.ts';

let city: Town;
let mongo: MongoClient;
beforeAll(async () => {
  city = await town();
  // What the city was made with is told too, and is no message of these tests.
  await settled(city.parts);
  mongo = await MongoClient.connect(city.parts.mongodbUri);
});
afterAll(async () => {
  await mongo?.close();
  await city?.stop();
});

const call = (...args: string[]) => bandeng(city.parts.environment, 'dead-letters', ...args);
const notifications = () => mongo.db(`${city.parts.databasePrefix}_notifications`);
const noticesOf = (ticket: string) => notifications().collection('notices').countDocuments({ ticket });

async function order(): Promise<string> {
  const territory = city.plan.postings.find(({ role }) => role === 'resident')?.territory;
  const category = city.plan.categories[0]?.join('.');
  const { body } = await (await city.as('resident')).post('/v1/tickets', { text: '灯坏了', territory, category });
  return body.id;
}

/** Notices of one kind of event can no longer be stored, as after a faulty change of the database. */
const refuse = (event: string) => notifications().command({ collMod: 'notices', validator: { event: { $ne: event } } });
const refuseNothing = () => notifications().command({ collMod: 'notices', validator: {} });

test('a message that was given up is listed, explained, and handled once its cause is gone', async () => {
  expect(await call('list')).toMatchObject({ code: 0, said: 'no open dead letters\n', complained: '' });
  await refuse('bandeng.tickets.ticket-ordered.v1');
  const poisoned = await order();
  const other = await (await city.as('resident')).post(`/v1/tickets/${poisoned}:withdraw`, { reason: '修好了' });
  expect(other.status).toBe(200);
  await eventually(async () => expect((await call('list', '--json')).json()).toHaveLength(1), { within: 15_000 });
  // The messages behind it were not held up.
  await eventually(async () => expect(await noticesOf(poisoned)).toBeGreaterThan(0));

  const [letter] = (await call('list', '--json', '--service', 'notifications')).json();
  expect(letter).toMatchObject({
    service: 'notifications',
    reason: 'failed',
    reaction: 'tell-concerned',
    aggregate: poisoned,
    type: 'bandeng.tickets.ticket-ordered.v1',
    tries: 5,
    status: 'open',
  });
  const table = (await call('list')).said.split('\n');
  expect(table[0]).toMatch(/^ID +SERVICE +STATUS +REASON +REACTION +EVENT +OF +TRIES +AT/);
  expect(table[1]).toContain(`${letter.id}  notifications  open    failed  tell-concerned  tickets.ticket-ordered.v1`);
  const shown = await call('show', letter.id);
  expect(shown.said).toMatch(/problem +MongoServerError: Document failed validation/);
  expect(shown.said).toContain(`"subject": "${poisoned}"`);

  const early = await call('requeue', letter.id);
  expect(early).toMatchObject({ code: 1, said: expect.stringContaining('failed again: MongoServerError') });
  await refuseNothing();
  const told = await noticesOf(poisoned);
  const late = await call('requeue', letter.id);
  expect(late).toMatchObject({ code: 0, said: `${letter.id}  notifications  handled\n` });
  expect(await noticesOf(poisoned)).toBeGreaterThan(told);
  expect((await call('list', '--json')).json()).toEqual([]);
  expect((await call('list', '--status', 'handled', '--json')).json()).toMatchObject([{ id: letter.id }]);
  expect(await call('requeue', letter.id)).toMatchObject({ code: 1, said: expect.stringContaining('it is handled') });
}, 60_000);

test('all that are open can be handed over at once', async () => {
  await refuse('bandeng.tickets.ticket-ordered.v1');
  const poisoned = [await order(), await order(), await order()];
  await eventually(async () => expect((await call('list', '--json')).json()).toHaveLength(3), { within: 15_000 });
  await refuseNothing();
  const all = await call('requeue', '--all', '--json');
  expect(all.code).toBe(0);
  expect(all.json().map(({ outcome }: { outcome: string }) => outcome)).toEqual(['handled', 'handled', 'handled']);
  for (const ticket of poisoned) expect(await noticesOf(ticket)).toBe(1);
}, 60_000);

test('what does not exist and what is not understood is said in a sentence', async () => {
  expect(await call('show', 'nothing')).toMatchObject({
    code: 1,
    complained: expect.stringContaining('there is no dead letter'),
  });
  expect(await call('list', '--service', 'weather')).toMatchObject({ code: 2 });
  expect(await call('burn')).toMatchObject({
    code: 2,
    complained: expect.stringContaining('usage: ./bandeng dead-letters'),
  });
  expect(await call('requeue')).toMatchObject({ code: 2, complained: expect.stringContaining('its id is missing') });
}, 60_000);
