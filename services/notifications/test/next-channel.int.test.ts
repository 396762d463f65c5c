import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Letter } from '../src/channels/channel.ts';
import { type Channel, channels, type Kind, type Pace } from '../src/domain/preferences.ts';
import { ids } from '../src/records.ts';
import { type Office, office } from './office.ts';

/** There is one channel beside the inbox so far. Here the list has a second one, and the house a carrier for it. */
vi.mock('../src/domain/preferences.ts', async (original) => ({
  ...(await original<object>()),
  channels: ['email', 'pigeon'],
}));

let here: Office;
let pigeon: Channel;
let letters: Letter[];
beforeEach(async () => {
  here = await office();
  pigeon = channels.at(-1) ?? 'email';
  letters = [];
  const send = async (letter: Letter) => {
    letters.push(letter);
    return 'sent' as const;
  };
  const carriers = new Map(here.post.carriers).set(pigeon, { channel: pigeon, send, close() {} });
  Object.assign(here.post, { carriers });
  for (const person of ['mei', 'li']) {
    here.contacts.set(person, { email: `${person}@home.example`, language: 'zh-CN' });
    here.sink.answer(`${person}@home.example`, 550);
  }
});
afterEach(() => here.close());

const night = { quietHours: { from: '22:00', until: '07:00' } };

/** E-mail at once for everything, and the other channel as told. */
async function wish(person: string, byPigeon: { readonly [K in Kind]?: Pace }, more = {}): Promise<void> {
  const all: Kind[] = ['task', 'call', 'progress', 'result'];
  const choices = all.map((kind) => ({ kind, channel: 'email', pace: 'at-once' }) as const);
  await here.wish(person, choices, more);
  const silent = { task: 'off', call: 'off', progress: 'off', result: 'off' };
  const chosen = { $set: { 'choices.pigeon': { ...silent, ...byPigeon } } };
  await here.kept.wishes.collection.updateOne({ _id: ids.preferences(person) }, chosen);
}

async function deliveries() {
  const all = await here.deliveries();
  return all.map(({ state: { channel, kind, status, next } }) => [channel, kind, status, next]);
}

test('what one channel gave up goes out by the next, if the person wants that kind there, and else stays in the inbox', async () => {
  await wish('mei', { progress: 'at-once', task: 'digest' });
  await here.happens('bandeng.tickets.ticket-accepted.v1', { orderer: 'mei', acceptor: 'li' });
  await here.happens('bandeng.tickets.ticket-resolved.v1', { orderer: 'mei', dispatcher: '' });
  await here.round();
  expect((await deliveries()).toSorted()).toEqual([
    ['email', 'progress', 'failed', 'pigeon'],
    ['email', 'result', 'failed', 'inbox'],
    ['pigeon', 'progress', 'waiting', undefined],
  ]);
  await here.round();
  expect(letters).toMatchObject([{ subject: '【板凳】已接单 459901-20261124-000001' }]);
  expect((await deliveries()).filter(([channel]) => channel === pigeon)).toEqual([
    ['pigeon', 'progress', 'sent', undefined],
  ]);
  expect(await here.round()).toBe(0);
});

test('a channel by which the person wants nothing is passed by, and so is one that this installation lacks', async () => {
  await wish('mei', {});
  await wish('li', { progress: 'at-once' });
  await here.happens('bandeng.tickets.ticket-accepted.v1', { orderer: 'mei', acceptor: '' });
  await here.round();
  const carriers = new Map(here.post.carriers);
  carriers.delete(pigeon);
  Object.assign(here.post, { carriers });
  await here.happens('bandeng.tickets.ticket-accepted.v1', { orderer: 'li', acceptor: '' });
  await here.round();
  expect(await deliveries()).toEqual([
    ['email', 'progress', 'failed', 'inbox'],
    ['email', 'progress', 'failed', 'inbox'],
  ]);
  expect(letters).toEqual([]);
});

test('an urgent dispatch that was given up wakes its handler by the next channel too', async () => {
  await wish('li', { task: 'digest' }, night);
  here.clock('11-24 23:00');
  const parks = { handler: { handler: { $case: 'unit', value: 'parks' } } };
  await here.happens('bandeng.tickets.ticket-dispatched.v1', { ...parks, orderer: '', urgency: 'URGENT' });
  await here.round();
  await here.round();
  expect(await deliveries()).toEqual([
    ['email', 'task', 'failed', 'pigeon'],
    ['pigeon', 'task', 'sent', undefined],
  ]);
  expect(letters).toHaveLength(1);
});
