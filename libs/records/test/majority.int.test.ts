import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, killableSet } from '@bandeng/testing';
import { MongoClient, Timestamp } from 'mongodb';
import { expect, it } from 'vitest';
import { connectMongo, openRecords } from '../src/index.ts';
import { context, errandDefinition, opening } from './errands.ts';

/** Lets the members that are not primary take in nothing, though they are there, or go on. */
async function hold(uris: readonly string[], lock: boolean): Promise<void> {
  for (const uri of uris) {
    const member = await MongoClient.connect(uri);
    try {
      const admin = member.db('admin');
      const { isWritablePrimary } = await admin.command({ hello: 1 });
      // One that has only just joined cannot be locked yet.
      if (!isWritablePrimary)
        await eventually(() => admin.command(lock ? { fsync: 1, lock: true } : { fsyncUnlock: 1 }), { within: 15_000 });
    } finally {
      await member.close();
    }
  }
}

it('nothing is final that a majority which stands still has not taken in, and what it hides is found', async () => {
  await using set = await killableSet();
  const uris = [...set.mongodbUri.matchAll(/127\.0\.0\.1:\d+/g)].map(
    ([host]) => `mongodb://${host}/?directConnection=true`,
  );
  const client = await connectMongo(set.mongodbUri);
  try {
    const records = await openRecords({ database: client.db('errands') });
    const errands = await records.define(errandDefinition);
    await errands.run('a', context(), opening('N-a'));
    const following = records.outbox.follow<string>({}, { settlesAfter: 400 });
    const { value: [a] = [] } = await following.news(10).next();
    following.landmark('a');

    await hold(uris, true);
    // Written with an earlier instant, later in the log, and seen by nobody.
    const earlier = new Timestamp({ t: (a?.written?.t ?? 0) - 1, i: 0 });
    const b = { ...(await errands.collection.findOne({ _id: 'a' })), _id: 'b', number: 'N-b', written: earlier };
    await errands.collection.insertOne(b as never, { writeConcern: { w: 1, journal: false } });
    for (let round = 0; round < 12; round += 1) {
      expect(await following.late()).toEqual([]);
      for await (const _ of following.news(10));
      expect(following.advance()).toBeUndefined();
      await sleep(200);
    }

    await hold(uris, false);
    const found: string[] = [];
    await eventually(
      async () => {
        found.push(...(await following.late()).map(({ id }) => id));
        for await (const _ of following.news(10));
        expect(following.advance()).toBe('a');
      },
      { within: 20_000 },
    );
    expect(found).toEqual(['b']);
    await following.close();
  } finally {
    await client.close();
  }
}, 90_000);
