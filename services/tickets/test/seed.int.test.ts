import { type CityPlan, planCity } from '@bandeng/city';
import { fold } from '@bandeng/decider';
import { kindOf, prefixes } from '@bandeng/directory';
import { connectMongo, openRecords } from '@bandeng/records';
import type { House } from '@bandeng/service';
import { type Parts, parts } from '@bandeng/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ticketDecider } from '../src/domain/decision.ts';
import { nextDue } from '../src/domain/passing-time.ts';
import { openTickets, type Tickets } from '../src/records.ts';
import { seed } from '../src/seed.ts';

/** The demo city's tickets have plausible pasts, told by the same commands as everybody's. */

const now = new Date('2026-11-24T10:00:00.000+08:00');
let world: Parts;
let plan: CityPlan;
let close: () => Promise<void>;
let tickets: Tickets;
let tell: () => Promise<number>;

beforeAll(async () => {
  world = await parts();
  plan = planCity({ scale: 0.05, now });
  const mongo = await connectMongo(world.mongodbUri);
  close = () => mongo.close();
  const database = mongo.db(`${world.databasePrefix}_tickets`);
  const units = new Map(plan.units.map((unit) => [unit.id, unit]));
  const codes = new Set(plan.territories.map(({ code }) => code));
  const directory = {
    territory: (code: string) => (codes.has(code) ? { code, kind: kindOf(code) } : undefined),
    ancestors: prefixes,
    unit: (id: string) => units.get(id),
  };
  tell = async () => {
    const keys = { secret: () => Buffer.alloc(32, 7) };
    const house = { records: await openRecords({ database }), directory, keys, now: () => now };
    let told = 0;
    // Of the house it needs no more than this.
    await seed(house as unknown as House, plan, (done) => {
      told = done;
    });
    return told;
  };
  ({ tickets } = await openTickets(await openRecords({ database })));
});

afterAll(async () => {
  await close();
  await world.dispose();
});

it('every story becomes a ticket whose state is the fold of its history, with nothing overdue unnoticed', async () => {
  expect(await tell()).toBe(plan.stories.length);
  const documents = await tickets.collection.find({}).toArray();
  expect(documents).toHaveLength(plan.stories.length);
  for (const document of documents) {
    const { state, history, version } = tickets.stored(document);
    expect(fold(ticketDecider.evolve, history)).toEqual(state);
    expect(history.map(({ seq }) => seq)).toEqual(history.map((_, index) => index + 1));
    expect(version).toBe(history.length);
    expect((nextDue(state) ?? '9') > now.toISOString()).toBe(true);
  }
});

it('only the last days go over the bus', async () => {
  const recent = new Set(plan.stories.filter((story) => story.recent).map(({ id }) => id));
  const waiting = await tickets.collection.find({ written: { $exists: true } }).toArray();
  expect(new Set(waiting.map(({ _id }) => _id))).toEqual(recent);
});

it('a second telling adds nothing', async () => {
  const before = await tickets.collection.find({}, { projection: { version: 1 } }).toArray();
  await tell();
  expect(await tickets.collection.find({}, { projection: { version: 1 } }).toArray()).toEqual(before);
});
