import { rm } from 'node:fs/promises';
import { demoClients } from '@bandeng/city';
import { type Caller, callerAt } from '@bandeng/deploy/api';
import { signInSystem } from '@bandeng/deploy/sign-in';
import { progressOf } from '@bandeng/records';
import { eventually, settled } from '@bandeng/testing';
import { town } from '@bandeng/testing/town';
import { MongoClient } from 'mongodb';
import { expect, test } from 'vitest';
import { publishedEvents } from '../journeys/published.ts';
import { type FragileCity, fragileCity } from '../resilience/city.ts';
import { allWell } from '../resilience/judgement.ts';
import { bandeng } from './bandeng.ts';

const ordered = '/v1/events?types=bandeng.tickets.ticket-ordered.v1';

async function systemOf({ address }: { address: string }): Promise<Caller> {
  const secret = demoClients.find(({ id }) => id === 'demo-system')?.secret ?? '';
  return callerAt(address, await signInSystem(`${address}/oidc`, 'demo-system', secret));
}

async function startDispatcher({ address, token, plan }: FragileCity): Promise<void> {
  const administrator = callerAt(address, await token('administrator'));
  const home = plan.postings.find(({ role }) => role === 'resident')?.territory ?? '';
  const person = plan.accounts.find(({ login }) => login === 'auditor')?.id;
  const posting = { person, role: 'COMMUNITY_DISPATCHER', territory: home.slice(0, 12) };
  expect((await administrator.post('/v1/postings', posting)).status).toBe(201);
}

/** Until all that the relay of tickets has told is so for good. */
async function toldForGood(mongo: MongoClient): Promise<void> {
  await eventually(
    async () => {
      const { told, final } = (await progressOf(mongo.db('bandeng_tickets'))) ?? {};
      expect(final).toEqual(told);
    },
    { within: 30_000 },
  );
}

test('a stream whose store was deleted is made anew, each public entry once and in order, and nobody is told twice', async () => {
  await using city = await fragileCity();
  await city.start();
  const { parts } = city;
  const mongo = await MongoClient.connect(parts.mongodbUri);
  try {
    const notices = () => mongo.db('bandeng_notifications').collection<{ _id: string }>('notices').find().toArray();
    const token = await city.token('resident');
    await city.order(token, 60);
    await city.drained();
    const before = await publishedEvents(parts.natsUrl, ['TICKETS']);

    // What is younger goes into the new stream by itself.
    await toldForGood(mongo);
    await parts.natsServer.kill();
    await rm(`${parts.directory}/nats/store`, { recursive: true });
    await parts.natsServer.start();
    const system = await systemOf(city);
    // The relays make their streams as soon as they find NATS again.
    const listener = await eventually(() => system.listen(ordered), { within: 20_000 });
    await city.order(token, 80);
    await city.drained();
    await eventually(() => expect(listener.heard).toHaveLength(20));
    const position = listener.heard.at(-1)?.id ?? '';
    expect((await city.judge()).eventLost).toHaveLength(60);
    const toldBefore = await notices();
    const sick = await bandeng(parts.environment, 'doctor');
    expect(sick.said).toMatch(/^FAIL +events of tickets .* have no message in EV_TICKETS .*events rebuild tickets$/m);
    expect(sick.code).toBe(1);

    const asked = await bandeng(parts.environment, 'events', 'rebuild', 'tickets');
    expect(asked).toMatchObject({
      code: 1,
      complained: expect.stringMatching(/deletes the stream EV_TICKETS .*say --yes/),
    });
    await toldForGood(mongo);
    // Whoever took office since is not told of what was before.
    await startDispatcher(city);
    const done = await bandeng(parts.environment, 'events', 'rebuild', 'tickets', '--yes');
    expect(done.complained).not.toContain('bandeng events:');
    expect(done).toMatchObject({ code: 0, said: `EV_TICKETS is made anew, ${before.length + 20} messages\n` });
    await expect(system.listen(ordered, { 'last-event-id': position })).rejects.toThrow('answers 410');
    await listener.close();

    await city.drained();
    expect(await city.judge()).toEqual(allWell);
    const after = await publishedEvents(parts.natsUrl, ['TICKETS']);
    expect(after).toHaveLength(before.length + 20);
    const byId = new Map(after.map((event) => [event.id, event]));
    for (const event of before) expect(byId.get(event.id)).toEqual(event);
    expect(after.map(({ time }) => time)).toEqual(after.map(({ time }) => time).toSorted());
    // Every reaction has had every event once more: nothing was added, nothing changed.
    expect(await notices()).toEqual(toldBefore);
  } finally {
    await mongo.close();
  }
}, 120_000);

test('events are handled again from an instant or a sequence, and only what had not happened happens', async () => {
  await using city = await town();
  const mongo = await MongoClient.connect(city.parts.mongodbUri);
  try {
    const notices = mongo.db(`${city.parts.databasePrefix}_notifications`).collection<{ _id: string }>('notices');
    const replay = (...args: string[]) =>
      bandeng(city.parts.environment, 'events', 'replay', 'notifications', '--of', 'tickets', ...args);
    const since = new Date().toISOString();
    const resident = await city.as('resident');
    const territory = city.plan.postings.find(({ role }) => role === 'resident')?.territory;
    const order = { text: '灯坏了', territory, category: city.plan.categories[0]?.join('.') };
    const { id } = (await resident.post('/v1/tickets', order)).body;
    await settled(city.parts);
    const before = await notices.find().toArray();
    expect(before.filter((notice) => Reflect.get(notice, 'ticket') === id)).toHaveLength(1);

    expect(await replay('--from', '1')).toMatchObject({
      code: 0,
      said: expect.stringMatching(/^\d+ events handled again, 0 commands had not happened before\n$/),
    });
    // As if the reaction had been added only now.
    await notices.deleteMany({ ticket: id });
    expect(await replay('--from', since, '--reaction', 'tell-concerned', '--json')).toMatchObject({ code: 0 });
    const after = await notices.find().toArray();
    expect(after.map(({ _id }) => _id).toSorted()).toEqual(before.map(({ _id }) => _id).toSorted());

    const wrong = await replay('--from', '1', '--reaction', 'dance');
    expect(wrong).toMatchObject({ code: 1, said: expect.stringContaining("there is no reaction 'dance'") });
    expect(await replay('--from', 'yesterday')).toMatchObject({ code: 2 });
    expect(await replay()).toMatchObject({ code: 2, complained: expect.stringContaining('--from is missing') });
  } finally {
    await mongo.close();
  }
}, 60_000);
