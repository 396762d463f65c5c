/** The run in which messages come that cannot be handled. */

import { randomUUID } from 'node:crypto';
import { chanceFrom } from '@bandeng/city';
import { callerAt } from '@bandeng/deploy/api';
import { eventually, type KillableParts } from '@bandeng/testing';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { type Db, MongoClient } from 'mongodb';
import { bandeng } from '../operations/bandeng.ts';
import { type FragileCity, fragileCity } from './city.ts';
import { orderOf, startLoad } from './load.ts';
import { outcomeOf, run } from './run.ts';

/** Kinds of messages that no service of ours publishes, made from one that it did. */
const foreign = {
  malformed: () => 'no event at all',
  'unknown-type': (event: object) => JSON.stringify({ ...event, type: 'bandeng.tickets.ticket-vanished.v1' }),
  'too-large': (event: object) => JSON.stringify({ ...event, padding: 'x'.repeat(300_000) }),
} as const;
const kinds = ['malformed', 'unknown-type', 'too-large', 'failed'] as const;
type Kind = (typeof kinds)[number];

const soon = 1_000;

/** What is needed to poison a city and to see what comes of it. */
interface Kitchen {
  readonly city: FragileCity;
  readonly nats: NatsConnection;
  readonly notifications: Db;
  /** Orders and withdraws as a resident, written down in the ledger. */
  ask(path: string, body: object): Promise<string>;
}

const poison = run<{ rounds: number }>({
  name: 'poison',
  fault: ({ rounds }) => `a malformed, an unknown, a too large and an always failing message, ${rounds} times each`,
  short: { rounds: 2 },
  long: { rounds: 40 },
  async perform({ rounds }, { seed, tell }) {
    const chance = chanceFrom(seed);
    const menu = Array.from({ length: rounds }, () => chance.shuffled(kinds)).flat();
    await using city = await fragileCity();
    await city.start();
    const street = await city.street();
    const resident = callerAt(city.address, street.token);
    const mongo = await MongoClient.connect(city.parts.mongodbUri);
    const nats = await connect({ servers: new URL(city.parts.natsUrl).host, noAsyncTraces: true });
    try {
      const notifications = mongo.db(`${city.parts.databasePrefix}_notifications`);
      const ask = async (path: string, body: object): Promise<string> => {
        const key = `tasting-${randomUUID()}`;
        city.ledger.intend(key);
        const answer = await resident.post(path, body, { 'idempotency-key': key });
        if (answer.status > 299) throw new Error(`${path} is answered ${answer.status}`);
        city.ledger.answered(key, answer.body.id, answer.body.version);
        return answer.body.id;
      };
      const load = startLoad(street, { seed, rate: 20 });
      await load.more(20);
      const waits: number[] = [];
      for (const kind of menu) waits.push(await taste(kind, { city, nats, notifications, ask }));
      tell(`${menu.length} messages; the next one was handled after ${Math.round(Math.max(...waits))} ms at most`);
      const figures = await load.stop();
      const letters = await notifications.collection('dead_letters').find({ status: 'open' }).toArray();
      if (letters.length !== menu.length)
        throw new Error(`${menu.length} messages left ${letters.length} dead letters`);
      await requeue(city.parts, notifications);
      return await outcomeOf(city, figures, { tell }, true);
    } finally {
      await nats.close();
      await mongo.close();
    }
  },
});

/** One bad message, then a good one: answers how long the good one took, in milliseconds. */
async function taste(kind: Kind, kitchen: Kitchen): Promise<number> {
  const { city, notifications, ask } = kitchen;
  const letter = kind === 'failed' ? await failing(kitchen) : await publish(kind, kitchen);
  const next = await ask('/v1/tickets', orderOf(city.plan, 'the next'));
  const told = async (): Promise<number> => {
    const notice = await notifications.collection('notices').findOne({ ticket: next });
    if (notice === null) throw new Error(`${next} is not told`);
    return notice.history[0].at.getTime() - notice.postedAt.getTime();
  };
  const waited = await eventually(told, { within: 10_000 });
  if (waited > soon) throw new Error(`after a ${kind} message the next one waited ${waited} ms`);
  const stored = async (): Promise<void> => {
    const letters = await notifications.collection('dead_letters').find(letter).toArray();
    const reasons = letters.map(({ reason }) => reason);
    if (String(reasons) !== kind) throw new Error(`a ${kind} message left the letters '${reasons}'`);
  };
  await eventually(stored, { within: 10_000 });
  return waited;
}

/** Publishes a message that no service would; answers what its dead letter is found by. */
async function publish(kind: Exclude<Kind, 'failed'>, { nats }: Kitchen): Promise<object> {
  const manager = await jetstreamManager(nats);
  const found = await manager.streams.getMessage('EV_TICKETS', { last_by_subj: 'ev.tickets.ticket-ordered.>' });
  if (found === null) throw new Error('nothing was ordered yet');
  const subject = randomUUID();
  const made = foreign[kind]({ ...found.json<object>(), id: `${subject}:1`, subject, sequence: '1' });
  const { seq } = await jetstream(nats).publish(found.subject, made);
  return { sequence: seq };
}

/** Withdraws a ticket of whose withdrawal nobody can be told: the database refuses the notice. */
async function failing({ city, notifications, ask }: Kitchen): Promise<object> {
  const ticket = await ask('/v1/tickets', orderOf(city.plan, 'the failing'));
  const known = async (): Promise<boolean> => (await notifications.collection('notices').findOne({ ticket })) !== null;
  await eventually(known, { within: 10_000 });
  const refused = { ticket, event: 'bandeng.tickets.ticket-withdrawn.v1' };
  const validator = (await refusals(notifications)).concat(refused);
  await notifications.command({ collMod: 'notices', validator: { $nor: validator } });
  await ask(`/v1/tickets/${ticket}:withdraw`, {});
  return { aggregate: ticket };
}

async function refusals(notifications: Db): Promise<object[]> {
  const [notices] = await notifications.listCollections({ name: 'notices' }).toArray();
  return Reflect.get(notices ?? {}, 'options')?.validator?.$nor ?? [];
}

/** The cause is mended, and the letters of what failed are handed over once more: nothing stays undone. */
async function requeue({ environment }: KillableParts, notifications: Db): Promise<void> {
  await notifications.command({ collMod: 'notices', validator: {} });
  const failed = await notifications.collection<{ _id: string }>('dead_letters').find({ reason: 'failed' }).toArray();
  for (const { _id } of failed) {
    const { code, complained } = await bandeng(environment, 'dead-letters', 'requeue', _id);
    if (code !== 0) throw new Error(`requeue ended with ${code}: ${complained}`);
  }
}

export const messageRuns = [poison];
