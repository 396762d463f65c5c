/** Runs in which MongoDB or NATS is taken away. */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { chanceFrom } from '@bandeng/city';
import { killableSet } from '@bandeng/testing';
import { bandeng } from '../operations/bandeng.ts';
import { cityOn, fragileCity } from './city.ts';
import { startLoad } from './load.ts';
import { outcomeOf, type Run, run } from './run.ts';

const mongodKilled = run<{ kills: number }>({
  name: 'mongod-killed',
  fault: ({ kills }) => `kill -9 of the only mongod, which is started again, ${kills} times`,
  short: { kills: 1 },
  long: { kills: 8 },
  async perform({ kills }, { seed, tell }) {
    const chance = chanceFrom(seed);
    const orders = Array.from({ length: kills }, () => chance.between(30, 150));
    await using city = await fragileCity();
    await city.start();
    const load = startLoad(await city.street(), { seed, rate: 100 });
    for (const count of orders) {
      await load.more(count);
      tell(`kill -9 mongod after ${load.figures.orders} orders`);
      await city.parts.mongod.kill();
      await city.parts.mongod.start();
    }
    await load.more(50);
    if (!city.running()) throw new Error('the services did not outlive it');
    return await outcomeOf(city, await load.stop(), { tell });
  },
});

const primaryAway = (way: 'killed' | 'stopped'): Run =>
  run<{ times: number }>({
    name: `primary-${way}`,
    fault: ({ times }) =>
      way === 'killed'
        ? `kill -9 of the primary of three mongods, which is started again, ${times} times`
        : `SIGSTOP of the primary of three mongods, and SIGCONT when there is another, ${times} times`,
    short: { times: 1 },
    long: { times: 6 },
    async perform({ times }, { seed, tell }) {
      const chance = chanceFrom(seed);
      const orders = Array.from({ length: times }, () => chance.between(30, 100));
      await using city = await cityOn(await killableSet());
      await city.start();
      const load = startLoad(await city.street(), { seed, rate: 60 });
      for (const count of orders) {
        await load.more(count);
        const primary = await city.parts.primary();
        tell(`the primary is ${way} after ${load.figures.orders} orders`);
        const before = load.figures.orders;
        if (way === 'killed') await primary.kill();
        else primary.freeze();
        // Another one takes over and the city works, with the old one still away.
        await city.parts.primary();
        await load.more(40);
        tell(`another is primary, ${load.figures.orders - before} orders since`);
        if (way === 'killed') await primary.start();
        else primary.thaw();
      }
      await load.more(50);
      if (!city.running()) throw new Error('the services did not outlive it');
      return await outcomeOf(city, await load.stop(), { tell });
    },
  });

const natsAway = run<{ seconds: number }>({
  name: 'nats-away',
  fault: ({ seconds }) => `nats-server is away for ${seconds} s`,
  // A client left to its defaults gives up after ten tries, 2 s apart.
  short: { seconds: 25 },
  long: { seconds: 90 },
  async perform({ seconds }, { seed, tell }) {
    await using city = await fragileCity();
    await city.start();
    const load = startLoad(await city.street(), { seed, rate: 30 });
    await load.more(30);
    tell('nats-server is killed');
    await city.parts.natsServer.kill();
    const before = load.figures.orders;
    const until = performance.now() + seconds * 1_000;
    while (performance.now() < until) {
      await pause(1_000);
      const { status } = await fetch(`${city.address}/readyz`);
      if (status !== 200) throw new Error(`/readyz says ${status} while NATS is away`);
    }
    tell(`nats-server is started again, ${load.figures.orders - before} orders since`);
    if (load.figures.orders - before < seconds) throw new Error('ordering did not go on');
    await city.parts.natsServer.start();
    await load.more(30);
    // Nobody who orders may notice.
    return await outcomeOf(city, await load.stop(), { tell }, true);
  },
});

const storeDeleted = run<{ times: number }>({
  name: 'nats-store-deleted',
  fault: ({ times }) =>
    `nats-server is killed and its store deleted, the stream is made anew by \`events rebuild\`, ${times} times`,
  short: { times: 1 },
  long: { times: 4 },
  async perform({ times }, { seed, tell }) {
    const chance = chanceFrom(seed);
    const orders = Array.from({ length: times }, () => chance.between(40, 200));
    await using city = await fragileCity();
    await city.start();
    const { parts } = city;
    const load = startLoad(await city.street(), { seed, rate: 40 });
    for (const count of orders) {
      await load.more(count);
      tell(`the store is deleted after ${load.figures.orders} orders`);
      await parts.natsServer.kill();
      await rm(join(parts.directory, 'nats', 'store'), { recursive: true });
      await parts.natsServer.start();
      await load.more(40);
      const done = await bandeng(parts.environment, 'events', 'rebuild', 'tickets', '--yes');
      if (done.code !== 0) throw new Error(`the rebuild ended with ${done.code}: ${done.complained}`);
      tell(done.said.trim());
    }
    await load.more(30);
    return await outcomeOf(city, await load.stop(), { tell }, true);
  },
});

export const serverRuns = [mongodKilled, primaryAway('killed'), primaryAway('stopped'), natsAway, storeDeleted];
