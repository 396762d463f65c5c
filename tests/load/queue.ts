/** A case worker's page through HTTP, the first and those that follow by cursor, against the bare find on the same index. */
import type { Document } from 'mongodb';
import { listKey } from '../../services/tickets/src/records.ts';
import { insertClones } from './clones.ts';
import { expected } from './connections.ts';
import { detail, tell } from './detail.ts';
import { onGround, orderOne, sceneOf } from './ground.ts';
import { closedLoop, connections } from './loops.ts';
import { interleave, type Result, ratioLine } from './pairs.ts';
import { stopwatch, tally } from './processor-time.ts';

const half = 3_000;
const pairs = 5;
const waiting = 10_000;
const rows = 20;
/** Pages that a case worker turns before going back to the first. */
const turned = 10;

export function queue(): Promise<Result> {
  return onGround(async (ground) => {
    const { order, community } = sceneOf(ground.plan);
    const tickets = ground.database('tickets').collection<Document & { _id: string }>('tickets');
    const ordered = await orderOne(ground, order, await ground.token('resident'));
    const first = Date.now();
    await insertClones(tickets, ordered, waiting, {
      own(number) {
        const orderedAt = new Date(first - number * 60_000);
        const readable = `459901-20260101-${String(number).padStart(6, '0')}`;
        const listed = listKey({ number: readable, orderedAt: orderedAt.toISOString() });
        return { number: readable, orderedAt, listed };
      },
    });
    const token = await ground.token('community_dispatcher');
    const path = `/v1/tickets?territory=${community}&status=ORDERED&pageSize=${rows}`;

    const at = Array.from({ length: connections }, () => ({ page: 0, cursor: '' }));
    const turn = (connection: number, cursor: string | undefined): void => {
      const place = at[connection];
      if (place === undefined || cursor === undefined) throw new Error('the list ended too early');
      place.page = (place.page + 1) % turned;
      place.cursor = place.page === 0 ? '' : cursor;
    };
    const page = async (connection: number): Promise<boolean> => {
      const cursor = at[connection]?.cursor ?? '';
      const next = cursor === '' ? path : `${path}&pageToken=${encodeURIComponent(cursor)}`;
      const answer = await ground.lines[connection]?.ask('GET', next, token);
      if (answer === undefined) return false;
      // The generator has to read a page no more than it needs, for the baseline's does not read JSON either.
      const text = expected(answer, 200);
      turn(connection, /"nextPageToken":"([^"]+)"/.exec(text)?.[1]);
      return true;
    };
    const find = async (connection: number): Promise<boolean> => {
      const cursor = at[connection]?.cursor ?? '';
      const filter = {
        territories: community,
        status: 'ordered',
        ...(cursor === '' ? {} : { listed: { $lt: cursor } }),
      };
      const found = await tickets.find(filter).project({ history: 0 }).sort({ listed: -1 }).limit(rows).toArray();
      if (found.length !== rows) throw new Error(`${found.length} of ${rows} rows`);
      turn(connection, found.at(-1)?.listed);
      return true;
    };
    const fromTheTop = async (): Promise<void> => {
      await ground.settle();
      for (const place of at) Object.assign(place, { page: 0, cursor: '' });
    };
    await fromTheTop();
    await closedLoop(2 * half, page);
    await fromTheTop();
    await closedLoop(half / 2, find);
    const spent = tally();
    const measured = await interleave(pairs, {
      async ours() {
        const watch = stopwatch(ground.processes);
        const rate = await closedLoop(half, page);
        spent.add(watch(), (rate * half) / 1_000);
        return rate;
      },
      baseline: () => closedLoop(half, find),
      before: fromTheTop,
    });
    detail('queue', measured, 'pages a second');
    tell(`queue: processor ms a page: ${spent.line()}`);
    return ratioLine('queue', measured, { must: 0.35, aim: 0.5 });
  });
}
