/** To order a ticket by gRPC and get it back, through our client and server, against bare grpc-js echoing as many bytes. */
import { detail, tell } from './detail.ts';
import { type End, startEnd } from './ends.ts';
import { interleave, type Result, ratioLine } from './pairs.ts';
import { stopwatch, tally } from './processor-time.ts';
import { temporaryDirectory } from './servers.ts';

const half = 3_000;
const pairs = 5;
const warmUp = 4_000;

interface Wire {
  readonly client: End;
  readonly server: End;
}

export async function rpc(): Promise<Result> {
  const { path, remove } = await temporaryDirectory();
  const wire = async (kind: 'ours' | 'bare'): Promise<Wire> => {
    const server = await startEnd('echo.ts', kind, 'server', path);
    return { server, client: await startEnd('echo.ts', kind, 'client', path) };
  };
  const ours = await wire('ours');
  const bare = await wire('bare');
  const spent = { ours: tally(), baseline: tally() };
  const measure = async (name: keyof typeof spent, { client, server }: Wire): Promise<number> => {
    const watch = stopwatch({ client: client.pid, server: server.pid });
    const rate = await client.ask(half);
    spent[name].add(watch(), (rate * half) / 1_000);
    return rate;
  };
  await ours.client.ask(warmUp);
  await bare.client.ask(warmUp);
  const measured = await interleave(pairs, {
    ours: () => measure('ours', ours),
    baseline: () => measure('baseline', bare),
  });
  for (const { client, server } of [ours, bare]) await Promise.all([client.end(), server.end()]);
  remove();
  detail('rpc', measured, 'calls a second');
  tell(`rpc: processor ms a call: ours ${spent.ours.line()}; baseline ${spent.baseline.line()}`);
  return ratioLine('rpc', measured, { must: 0.75, aim: 0.9 });
}
