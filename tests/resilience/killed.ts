/** Runs in which processes of services are killed. */

import { setTimeout as pause } from 'node:timers/promises';
import { chanceFrom } from '@bandeng/city';
import { startingOrder } from '@bandeng/deploy';
import { fragileCity } from './city.ts';
import { startLoad } from './load.ts';
import { outcomeOf, type Run, run } from './run.ts';
import { supervisedCity } from './supervised.ts';

const killedServices = run<{ rounds: number }>({
  name: 'killed-services',
  fault: ({ rounds }) => `kill -9 of each of five service processes in turn, ${rounds} times`,
  short: { rounds: 1 },
  long: { rounds: 6 },
  async perform({ rounds }, { seed, tell }) {
    const chance = chanceFrom(seed);
    const kills = Array.from({ length: rounds }, () => chance.shuffled(startingOrder)).flatMap((round) =>
      round.map((service) => ({ service, patient: chance.between(1, 4) > 1, wait: chance.between(100, 1_500) })),
    );
    await using city = await supervisedCity();
    const load = startLoad(await city.street(), { seed, rate: 40 });
    await load.more(20);
    for (const { service, patient, wait } of kills) {
      tell(`kill -9 ${service}`);
      await city.kill(service);
      // One in four comes while the one before is still starting.
      if (patient) await city.restored();
      await pause(wait);
    }
    await city.restored();
    await load.more(40);
    return await outcomeOf(city, await load.stop(), { tell });
  },
});

const killedHouse = run<{ kills: number }>({
  name: 'killed-house',
  fault: ({ kills }) => `kill -9 of all services in one process, ${kills} times`,
  short: { kills: 2 },
  long: { kills: 12 },
  async perform({ kills }, { seed, tell }) {
    const chance = chanceFrom(seed);
    const orders = Array.from({ length: kills }, () => chance.between(50, 400));
    await using city = await fragileCity();
    await city.start();
    // As fast as it goes: what is cut off is in the middle of something.
    const load = startLoad(await city.street(), { seed, rate: 1_000 });
    for (const count of orders) {
      await load.more(count);
      tell(`kill -9 after ${load.figures.orders} orders`);
      await city.kill();
      await city.start();
    }
    await load.more(100);
    return await outcomeOf(city, await load.stop(), { tell });
  },
});

type Point = 'before-publish' | 'after-publish';

const killedAt = (point: Point, between: string): Run =>
  run<{ times: number }>({
    name: `killed-${point}`,
    fault: ({ times }) => `kill -9 between ${between}, ${times} times`,
    short: { times: 1 },
    long: { times: 8 },
    async perform({ times }, { seed, tell }) {
      const chance = chanceFrom(seed);
      const passes = Array.from({ length: times }, () => chance.between(15, 60));
      await using city = await fragileCity();
      await city.start();
      const street = await city.street();
      await city.kill();
      await city.start({ BANDENG_FAIL_POINT: `${point}:${passes[0]}` });
      const load = startLoad(street, { seed, rate: 60 });
      for (const [index, pass] of passes.entries()) {
        await city.gone();
        tell(`killed itself at pass ${pass}, after ${load.figures.orders} orders`);
        const next = passes[index + 1];
        await city.start(next === undefined ? {} : { BANDENG_FAIL_POINT: `${point}:${next}` });
      }
      await load.more(50);
      return await outcomeOf(city, await load.stop(), { tell });
    },
  });

export const killedRuns = [
  killedServices,
  killedHouse,
  killedAt('before-publish', 'write and publish'),
  killedAt('after-publish', 'publish and the keeping of it'),
];
