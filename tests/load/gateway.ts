/** A route that does nothing behind all that stands before routes, against bare Fastify answering the same. */
import { expected, openConnections } from './connections.ts';
import { detail, tell } from './detail.ts';
import { type End, startEnd } from './ends.ts';
import { closedLoop, connections } from './loops.ts';
import { interleave, type Result, ratioLine } from './pairs.ts';
import { stopwatch, tally } from './processor-time.ts';

const half = 3_000;
const pairs = 5;
const warmUp = 4_000;
/** As long as a real one; the gateway itself believes none and checks none. */
const token = `eyJhbGciOiJFZERTQSJ9.${'c'.repeat(260)}.${'s'.repeat(86)}`;

export async function gateway(): Promise<Result> {
  const ours = await startEnd('no-op.ts', 'ours');
  const bare = await startEnd('no-op.ts', 'bare');
  const spent = { ours: tally(), baseline: tally() };
  const lines = {
    ours: await openConnections(ours.ready, connections),
    baseline: await openConnections(bare.ready, connections),
  };
  const ask = (kind: keyof typeof lines, milliseconds: number): Promise<number> =>
    closedLoop(milliseconds, async (connection) => {
      const answer = await lines[kind][connection]?.ask('GET', '/v1/no-op', token);
      return answer !== undefined && expected(answer, 200) !== '';
    });
  const measure = async (kind: keyof typeof lines, server: End): Promise<number> => {
    const watch = stopwatch({ server: server.pid, load: process.pid });
    const rate = await ask(kind, half);
    spent[kind].add(watch(), (rate * half) / 1_000);
    return rate;
  };
  await ask('ours', warmUp);
  await ask('baseline', warmUp);
  const measured = await interleave(pairs, {
    ours: () => measure('ours', ours),
    baseline: () => measure('baseline', bare),
  });
  for (const line of [...lines.ours, ...lines.baseline]) line.close();
  await Promise.all([ours.end(), bare.end()]);
  detail('gateway', measured, 'requests a second');
  tell(`gateway: processor ms a request: ours ${spent.ours.line()}; baseline ${spent.baseline.line()}`);
  return ratioLine('gateway', measured, { must: 0.6, aim: 0.75 });
}
