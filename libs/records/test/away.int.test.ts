import { eventually, killableParts } from '@bandeng/testing';
import { describe, expect, it } from 'vitest';
import { connectMongo, isDatabaseAway, openRecords } from '../src/index.ts';
import { context, errandDefinition, opening } from './errands.ts';

/** What became of many commands at once. */
async function allSaid(commands: readonly Promise<unknown>[]): Promise<unknown[]> {
  const said = await Promise.allSettled(commands);
  return said.map((one) => (one.status === 'fulfilled' ? 'done' : isDatabaseAway(one.reason) ? 'away' : one.reason));
}

describe('when the database dies', () => {
  it('commands that go together are not called done, and it is said to be away', async () => {
    await using parts = await killableParts();
    const client = await connectMongo(parts.mongodbUri);
    try {
      const records = await openRecords({ database: client.db('errands') });
      const errands = await records.define(errandDefinition);
      const there = Array.from({ length: 20 }, (_, number) => `there${number}`);
      await Promise.all(there.map((id) => errands.run(id, context(), opening(id))));
      const death = Promise.withResolvers<void>();
      let read = 0;
      // Each has read its aggregate, and is about to write.
      const noted = there.map((id) =>
        errands.run(id, context(), async () => {
          read += 1;
          await death.promise;
          return { command: { type: 'note' as const, note: 'n' } };
        }),
      );
      await eventually(() => expect(read).toBe(there.length));
      await parts.mongod.kill();
      death.resolve();
      const away = Array.from({ length: 20 }, (_, number) => `away${number}`);
      const opened = away.map((id) => errands.run(id, context({ expectNew: true }), opening(id)));
      expect(await allSaid([...opened, ...noted])).toEqual([...opened, ...noted].map(() => 'away'));
      await parts.mongod.start();
      expect(await errands.collection.countDocuments({ _id: { $in: away } })).toBe(0);
    } finally {
      await client.close();
    }
  }, 60_000);
});
