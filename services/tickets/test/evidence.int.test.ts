import { afterAll, beforeAll, expect, it } from 'vitest';
import { fresh, order, startTown } from './town.ts';

/** Photos over gRPC, on real parts. */

let town: Awaited<ReturnType<typeof startTown>>;

beforeAll(async () => {
  town = await startTown();
});
afterAll(async () => town?.stop());

const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==',
  'base64',
);

it('takes so many photos at once, and whoever comes beyond is told to come again', async () => {
  // A ticket has 20 files at most: of four none comes to that.
  const tickets = await Promise.all(Array.from({ length: 4 }, () => town.asGuest('OrderTicket', order, fresh())));
  const codes: string[] = tickets.map(({ body }) => body.followCode);
  const add = (code = '') => town.asGuest('AddEvidence', { id: '', code, content: pixel }, fresh());
  const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => add(codes[index % codes.length])));
  const refused = answers.filter(({ status }) => status !== 200);
  // The first ones wait until the reader of photos is loaded: 2 have their turn, 14 wait.
  expect(refused.length).toBeGreaterThan(0);
  for (const answer of refused) expect(answer).toMatchObject({ status: 503, reason: 'overloaded' });
  expect(await add(codes[0])).toMatchObject({ status: 200 });
});
