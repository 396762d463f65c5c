import { connectMongo, type Db } from '@bandeng/records';
import { type Parts, parts } from '@bandeng/testing';
import { wasteIn } from '@bandeng/testing/queries';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DeadLetters, openDeadLetters } from '../src/index.ts';

/** Dead letters are few, unless something is very wrong; then they are still found by an index. */

const number = 3_000;
const noon = Date.parse('2026-11-24T04:00:00.000Z');

let given: Parts;
let database: Db;
let letters: DeadLetters;
let close: () => Promise<void>;

beforeAll(async () => {
  given = await parts();
  const mongo = await connectMongo(given.mongodbUri);
  close = () => mongo.close();
  database = mongo.db(`${given.databasePrefix}_letters`);
  letters = await openDeadLetters(database);
  const documents = Array.from({ length: number }, (_, index) => ({
    _id: `letter-${String(index).padStart(5, '0')}`,
    status: index % 30 === 0 ? 'requeued' : index % 3 === 0 ? 'open' : 'handled',
    at: new Date(noon - Math.floor(index / 2) * 1_000).toISOString(),
    event: `event-${index}`,
    reaction: 'order-ticket',
    stream: 'EV_TICKETS',
  }));
  await database.collection('dead_letters').insertMany(documents as never[]);
});

afterAll(async () => {
  await close();
  await given.dispose();
});

it('they are listed page by page, handed back, tried again and counted', async () => {
  const waste = await wasteIn(database, async () => {
    for (const status of [undefined, 'open', 'handled'] as const) {
      let after: string | undefined;
      for (let page = 0; page < 3; page++) {
        const found = await letters.list({
          limit: 20,
          ...(status === undefined ? {} : { status }),
          ...(after === undefined ? {} : { after }),
        });
        expect(found).toHaveLength(20);
        after = found.at(-1)?.id;
      }
    }
    expect(await letters.open()).toBeGreaterThan(800);
    expect(await letters.requeued('EV_TICKETS', 50)).toHaveLength(50);
    await letters.requeue('letter-00003');
    const at = new Date(noon - 1_000).toISOString();
    await letters.handled({ id: 'letter-00003', at });
    expect(await letters.show('letter-00003')).toMatchObject({ at, status: 'handled' });
    expect(await letters.show('letter-00004')).toBeDefined();
  });
  expect(waste).toEqual([]);
});
