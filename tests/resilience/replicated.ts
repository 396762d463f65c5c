/** Runs in which there are two of a service, and one of them stands still or is replaced. */

import { setTimeout as pause } from 'node:timers/promises';
import { chanceFrom } from '@bandeng/city';
import { startingOrder } from '@bandeng/deploy';
import { eventually } from '@bandeng/testing';
import { startLoad } from './load.ts';
import { type Replica, replicatedCity } from './replicas.ts';
import { outcomeOf, run } from './run.ts';

const rollingRestarts = run<{ restarts: number }>({
  name: 'rolling-restarts',
  fault: ({ restarts }) => `${restarts} rolling restarts by SIGTERM, two replicas of each of five services`,
  short: { restarts: 10 },
  long: { restarts: 50 },
  async perform({ restarts }, { seed, tell }) {
    const chance = chanceFrom(seed);
    await using city = await replicatedCity(startingOrder.flatMap((service) => [[service], [service]]));
    const { replicas } = city;
    const schedule = Array.from({ length: Math.ceil(restarts / replicas.length) }, () => chance.shuffled(replicas))
      .flat()
      .slice(0, restarts);
    for (const replica of replicas) replica.start();
    for (const replica of replicas) await replica.ready();
    await city.ready();
    const load = startLoad(await city.street(), { seed, rate: 25 });
    await load.more(20);
    for (const [index, replica] of schedule.entries()) {
      const before = load.figures.sentAgain;
      const since = performance.now();
      const code = await replica.stop();
      const stopped = performance.now();
      if (code !== 0) throw new Error(`${replica.name} ended with ${code}`);
      replica.start();
      await replica.ready();
      const again = load.figures.sentAgain - before;
      const times = [stopped - since, performance.now() - stopped].map((ms) => `${(ms / 1_000).toFixed(1)} s`);
      tell(`restart ${index + 1} of ${restarts}: ${replica.name}, down ${times.join(', up ')}, ${again} sent again`);
    }
    await load.more(20);
    return await outcomeOf(city, await load.stop(), { tell }, true);
  },
});

const both = ['tickets', 'notifications'] as const;

/** Waits until the other has both leases and works, then lets the one go on that believes it still has them. */
async function takenOver(frozen: Replica, other: Replica): Promise<void> {
  await eventually(async () => (await other.leads()) || Promise.reject(new Error(`${other.name} does not lead`)), {
    within: 20_000,
  });
  await pause(500);
  if (!frozen.isFrozen()) throw new Error(`${frozen.name} does not stand still`);
  frozen.thaw();
}

const handOver = run<{ rounds: number }>({
  name: 'hand-over',
  fault: ({ rounds }) =>
    `SIGSTOP of whoever holds the leases, before a publish, after a publish and ${rounds} times anywhere; SIGCONT when another has them`,
  short: { rounds: 1 },
  long: { rounds: 12 },
  async perform({ rounds }, { seed, tell }) {
    const chance = chanceFrom(seed);
    const stopping = (point: string, least: number, most: number): Record<string, string> => ({
      BANDENG_FAIL_POINT: `${point}:${chance.between(least, most)}`,
      BANDENG_FAIL_SIGNAL: 'SIGSTOP',
    });
    // Stopped when it has seen that it holds the lease and is about to publish: it will, when it goes on.
    const early = stopping('before-publish', 20, 50);
    // Stopped when its messages are on the bus and nobody knows it yet.
    const late = stopping('after-publish', 5, 20);
    const waits = Array.from({ length: rounds }, () => chance.between(0, 1_500));
    await using city = await replicatedCity([['orggraph', 'identity', 'gateway'], both, both]);
    const [rest, one, other] = city.replicas;
    if (rest === undefined || one === undefined || other === undefined) throw new Error('there are three');
    rest.start();
    one.start(early);
    for (const service of both) {
      const taken = async (): Promise<boolean> => (await city.terms(service)) === 1;
      await eventually(taken, { within: 30_000 });
    }
    other.start(late);
    await city.ready();
    const load = startLoad(await city.street(), { seed, rate: 100 });
    for (const [frozen, next] of [
      [one, other],
      [other, one],
    ] as const) {
      await eventually(() => frozen.isFrozen(), { within: 40_000 });
      tell(`${frozen.name} stands still`);
      await takenOver(frozen, next);
    }
    let [leads, waiting] = [one, other];
    for (const wait of waits) {
      await pause(wait);
      leads.freeze();
      tell(`${leads.name} stands still`);
      await takenOver(leads, waiting);
      [leads, waiting] = [waiting, leads];
    }
    await pause(500);
    tell(`${leads.name} ends`);
    await leads.stop();
    await eventually(() => waiting.leads(), { within: 10_000 });
    await load.more(30);
    const figures = await load.stop();
    const least = 4 + rounds;
    for (const service of both) {
      if ((await city.terms(service)) < least) throw new Error(`the lease of ${service} was not taken ${least} times`);
    }
    return await outcomeOf(city, figures, { tell });
  },
});

export const replicatedRuns = [rollingRestarts, handOver];
