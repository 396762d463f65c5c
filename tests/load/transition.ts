/** To dispatch a ticket through HTTP, against the bare conditional update with the same fields and the same entry. */
import { isDeepStrictEqual } from 'node:util';
import type { Collection, Document } from 'mongodb';
import { insertClones } from './clones.ts';
import { expected } from './connections.ts';
import { detail, tell } from './detail.ts';
import { type Ground, onGround, orderOne, sceneOf } from './ground.ts';
import { closedLoop } from './loops.ts';
import { interleave, type Result, ratioLine } from './pairs.ts';
import { stopwatch, tally } from './processor-time.ts';

const half = 2_000;
const pairs = 5;
/** Services run for weeks: what is measured is compiled code. */
const warmUp = 3 * half;
/** More than are dispatched in one half on a fast machine; when they are used up the half ends early. */
const ready = { ours: 6_000, baseline: 16_000 };

interface Kept extends Document {
  _id: string;
}

/** The update that makes of a document what the service made of it: fields set and gone, entries pushed. */
function updateBetween(before: Document, after: Document): Document {
  const names = Object.keys(after).filter((name) => !['_id', 'history', 'written'].includes(name));
  const changed = names.filter((name) => !isDeepStrictEqual(before[name], after[name]));
  const gone = Object.keys(before).filter((name) => !(name in after));
  const entries = after.history.slice(before.history.length);
  return {
    $set: Object.fromEntries(changed.map((name) => [name, after[name]])),
    ...(gone.length > 0 ? { $unset: Object.fromEntries(gone.map((name) => [name, ''])) } : {}),
    $push: { history: { $each: entries } },
    $currentDate: { written: { $type: 'timestamp' } },
  };
}

export function transition(): Promise<Result> {
  return onGround(async (ground) => {
    const { order, grid } = sceneOf(ground.plan);
    const tickets = ground.database('tickets').collection<Kept>('tickets');
    const bare = ground.driver.db('bench').collection<Kept>('orders');
    const ordered = await orderOne(ground, order, await ground.token('resident'));
    const token = await ground.token('community_dispatcher');
    const body = JSON.stringify({ handler: { grid } });
    let fresh: string[] = [];

    const dispatch = async (connection: number): Promise<boolean> => {
      const id = fresh.pop();
      const line = ground.lines[connection];
      if (id === undefined || line === undefined) return false;
      expected(await line.ask('POST', `/v1/tickets/${id}:dispatch`, token, body, crypto.randomUUID()), 200);
      return true;
    };
    const update = await recordedUpdate(ground, tickets, ordered, dispatch, (id) => {
      fresh = [id];
    });
    const updateOne = async (): Promise<boolean> => {
      const _id = fresh.pop();
      if (_id === undefined) return false;
      const { matchedCount } = await bare.updateOne({ _id, version: ordered.version }, update);
      if (matchedCount !== 1) throw new Error(`${_id} was not updated`);
      return true;
    };
    const spent = tally();
    const settled: number[] = [];
    const before = async (next: 'ours' | 'baseline'): Promise<void> => {
      settled.push(await ground.settle());
      if (next === 'baseline') await bare.deleteMany({});
      fresh = await insertClones(next === 'ours' ? tickets : bare, ordered, ready[next]);
    };
    await before('ours');
    await closedLoop(warmUp, dispatch);
    await before('baseline');
    await closedLoop(half / 2, updateOne);
    const measured = await interleave(pairs, {
      async ours() {
        const watch = stopwatch(ground.processes);
        const rate = await closedLoop(half, dispatch);
        spent.add(watch(), ready.ours - fresh.length);
        return rate;
      },
      baseline: () => closedLoop(half, updateOne),
      before,
    });
    detail('transition', measured, 'a second');
    tell(`transition: processor ms each: ${spent.line()}; events handled ${Math.round(Math.max(...settled))} ms after`);
    return ratioLine('transition', measured, { must: 0.3, aim: 0.45 });
  });
}

/** Dispatches one ticket and answers what that changed in its document. */
async function recordedUpdate(
  ground: Ground,
  tickets: Collection<Kept>,
  ordered: Document,
  dispatch: (connection: number) => Promise<boolean>,
  next: (id: string) => void,
): Promise<Document> {
  const [_id = ''] = await insertClones(tickets, ordered, 1);
  const before = await tickets.findOne({ _id });
  next(_id);
  await dispatch(0);
  const after = await tickets.findOne({ _id });
  if (before === null || after === null) throw new Error('what was dispatched is gone');
  await ground.settle();
  return updateBetween(before, after);
}
