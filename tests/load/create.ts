/** To order a ticket, from HTTP to durable, against the bare driver inserting the same document. */
import { randomUUID } from 'node:crypto';
import type { Document } from 'mongodb';
import { expected } from './connections.ts';
import { detail, tell } from './detail.ts';
import { type Ground, onGround, orderOne, sceneOf } from './ground.ts';
import { closedLoop } from './loops.ts';
import { interleave, type Result, ratioLine } from './pairs.ts';
import { stopwatch, tally } from './processor-time.ts';

const half = 3_000;
const pairs = 7;
/** Services run for weeks: what is measured is compiled code, which takes several halves and the pauses between them. */
const warmUps = 3;

/** Orders in a closed loop; answers orders a second. */
export async function orderFor(ground: Ground, milliseconds: number, order: string, token: string): Promise<number> {
  return closedLoop(milliseconds, async (connection) => {
    const answer = await ground.lines[connection]?.ask('POST', '/v1/tickets', token, order, randomUUID());
    if (answer === undefined) return false;
    expected(answer, 201);
    return true;
  });
}

export function create(): Promise<Result> {
  return onGround(async (ground) => {
    const { order } = sceneOf(ground.plan);
    const token = await ground.token('resident');
    const original = await orderOne(ground, order, token);
    const bare = ground.driver.db('bench').collection<Document & { _id: string }>('orders');
    const insertFor = (milliseconds: number): Promise<number> =>
      closedLoop(milliseconds, async () => {
        await bare.insertOne({ ...original, _id: randomUUID() });
        return true;
      });
    const spent = tally();
    const settled: number[] = [];
    const ours = (): Promise<number> => orderFor(ground, half, order, token);
    const baseline = (): Promise<number> => insertFor(half);
    await interleave(warmUps, { ours, baseline, before: async () => void (await ground.settle()) });
    const measured = await interleave(pairs, {
      async ours() {
        const watch = stopwatch(ground.processes);
        const rate = await ours();
        spent.add(watch(), (rate * half) / 1_000);
        return rate;
      },
      baseline,
      async before() {
        settled.push(await ground.settle());
      },
    });
    detail('create', measured, 'a second');
    tell(`create: processor ms an order: ${spent.line()}; events handled ${Math.round(Math.max(...settled))} ms after`);
    return ratioLine('create', measured, { must: 0.45, aim: 0.6 });
  });
}
