import { eventually, parts } from '@bandeng/testing';
import { natsCluster } from '@bandeng/testing/nats-cluster';
import { jetstreamManager, type StreamInfo } from '@nats-io/jetstream';
import { afterEach, describe, expect, it } from 'vitest';
import { publishBatch } from '../src/batches.ts';
import { type Bus, connectBus, eventSubject, type Log, streamOf } from '../src/index.ts';
import { connectionOf, quiet } from './errands.ts';

describe('streams', () => {
  const open: Bus[] = [];
  const errors: string[] = [];
  const log: Log = { ...quiet, error: (_about, message) => void errors.push(message) };
  afterEach(async () => {
    errors.length = 0;
    for (const bus of open.splice(0)) await bus.close();
  });

  async function connected(url: string, replicas: number): Promise<Bus> {
    const bus = connectBus({ url, name: 'test', log, streams: { replicas } });
    open.push(bus);
    await eventually(() => bus.connected());
    return bus;
  }

  async function info(bus: Bus): Promise<StreamInfo> {
    const manager = await jetstreamManager(connectionOf(bus), { checkAPI: false });
    return manager.streams.info(streamOf('tickets'));
  }

  const message = (id: string) => ({
    subject: eventSubject('tickets', 'ticket-ordered', '4599'),
    payload: new Uint8Array(),
    id,
    collection: 'tickets',
  });

  it('are kept by three servers when that is asked for, also those that were there', { timeout: 60_000 }, async () => {
    await using cluster = await natsCluster();
    const before = await connected(cluster.url, 1);
    const made = await eventually(() => before.ensureStream('tickets'), { within: 30_000 });
    const batch = await publishBatch(connectionOf(before), [message('1'), message('2')], 0);
    expect(batch).toEqual({ last: 2 });

    const bus = await connected(cluster.url, 3);
    expect(await bus.ensureStream('tickets')).toMatchObject({ created: made.created, last: 2 });
    const leader = await eventually(async () => {
      const { config, cluster } = await info(bus);
      expect(config.num_replicas).toBe(3);
      expect(cluster?.replicas).toMatchObject([{ current: true }, { current: true }]);
      return cluster?.leader ?? '';
    });

    await cluster.kill(leader);
    // When no answer came it may be stored nevertheless: a repeat is refused, for the stream is at 2 no more.
    const twoMore = async (): Promise<void> => {
      await publishBatch(connectionOf(bus), [message('3'), message('4')], 2);
      expect((await info(bus)).state.last_seq).toBe(4);
    };
    await eventually(twoMore, { within: 30_000 });
    expect(errors).toEqual([]);
  });

  it('say what NATS refuses, and those that are there go on', async () => {
    await using given = await parts();
    const bold = await connected(given.natsUrl, 3);
    const refusal = 'NATS refuses the stream EV_TICKETS with 3 replicas (10074): replicas > 1 not supported';
    await expect(bold.ensureStream('tickets')).rejects.toThrow(refusal);
    const modest = await connected(given.natsUrl, 1);
    const made = await modest.ensureStream('tickets');
    expect(await bold.ensureStream('tickets')).toEqual(made);
    expect(errors).toEqual([expect.stringContaining(refusal)]);
    expect((await info(bold)).config.num_replicas).toBe(1);
  });
});
