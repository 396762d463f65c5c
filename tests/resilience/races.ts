/** Runs in which many want the same at once. */

import { setTimeout as pause } from 'node:timers/promises';
import { chanceFrom } from '@bandeng/city';
import { type Answer, type Caller, callerAt } from '@bandeng/deploy/api';
import { type FragileCity, fragileCity } from './city.ts';
import { orderOf } from './load.ts';
import { type Outcome, outcomeOf, run } from './run.ts';

const WORKERS = 50;

/** Sends a command under a key of its own, and writes down what came of it. */
type Send = (by: Caller, path: string, body: object, key: string, headers?: Record<string, string>) => Promise<Answer>;

async function inTown(
  work: (city: FragileCity, send: Send) => Promise<number>,
  tell: (line: string) => void,
): Promise<Outcome> {
  await using city = await fragileCity();
  await city.start();
  const { ledger } = city;
  let unanswered = 0;
  const send: Send = async (by, path, body, key, headers = {}) => {
    ledger.intend(key);
    const answer = await by.post(path, body, { ...headers, 'idempotency-key': key });
    if (answer.status < 300) ledger.answered(key, answer.body.id, answer.body.version);
    else if (answer.status < 500) ledger.refused(key);
    else unanswered += 1;
    return answer;
  };
  const orders = await work(city, send);
  return await outcomeOf(city, { orders, sentAgain: 0, unanswered, reasons: new Map() }, { tell });
}

const statuses = (answers: readonly Answer[]): string => {
  const times = Map.groupBy(answers, ({ status }) => status);
  return [...times].map(([status, same]) => `${same.length} × ${status}`).join(', ');
};

const oneTicket = run<{ rounds: number }>({
  name: 'one-ticket',
  fault: ({ rounds }) => `${WORKERS} workers on one ticket, ${rounds} times with If-Match and without`,
  short: { rounds: 4 },
  long: { rounds: 60 },
  perform: ({ rounds }, { seed, tell }) =>
    inTown(async (city, send) => {
      const chance = chanceFrom(seed);
      const resident = callerAt(city.address, await city.token('resident'));
      const dispatcher = callerAt(city.address, await city.token('community_dispatcher'));
      const ordered = await send(resident, '/v1/tickets', orderOf(city.plan, 'one'), 'the-one-ticket');
      const path = `/v1/tickets/${ordered.body.id}`;
      const note = { text: '还在等', audience: 'RESIDENT' };
      let version = ordered.body.version;
      for (let round = 0; round < rounds; round++) {
        // Some come a little later than others.
        const starts = Array.from({ length: WORKERS }, () => chance.between(0, 20));
        const all = (headers: Record<string, string>, kind: string): Promise<Answer[]> =>
          Promise.all(
            starts.map(async (start, worker) => {
              await pause(start);
              return send(dispatcher, `${path}:note`, note, `${kind}-${round}-of-worker-${worker}`, headers);
            }),
          );
        const racing = await all({ 'if-match': `"${version}"` }, 'race');
        const winners = racing.filter(({ status }) => status < 300);
        if (winners.length !== 1) throw new Error(`version ${version} had these answers: ${statuses(racing)}`);
        const others = racing.filter(({ status }) => ![200, 409, 412].includes(status));
        if (others.length > 0) throw new Error(`version ${version} had these answers: ${statuses(racing)}`);
        const queueing = await all({}, 'queue');
        const versions = queueing.filter(({ status }) => status < 300).map(({ body }) => body.version);
        if (new Set(versions).size < versions.length) throw new Error(`two have the same version of ${versions}`);
        version = (await dispatcher.get(path)).body.version;
        if (round % 10 === 9) tell(`version ${version}; the last round: ${statuses(racing)} and ${statuses(queueing)}`);
      }
      return 1;
    }, tell),
});

const oneKey = run<{ rounds: number }>({
  name: 'one-key',
  fault: ({ rounds }) => `${WORKERS} equal orders at once, and one with another body, ${rounds} times`,
  short: { rounds: 5 },
  long: { rounds: 100 },
  perform: ({ rounds }, { tell }) =>
    inTown(async (city, send) => {
      const resident = callerAt(city.address, await city.token('resident'));
      for (let round = 0; round < rounds; round++) {
        const key = `one-key-of-round-${round}`;
        const order = orderOf(city.plan, `第${round}件事`);
        const answers = await Promise.all(
          Array.from({ length: WORKERS }, () => send(resident, '/v1/tickets', order, key)),
        );
        const ids = new Set(answers.map(({ body }) => body.id));
        if (ids.size !== 1 || answers.some(({ status }) => status !== 201)) {
          throw new Error(`the same order had these answers: ${statuses(answers)}`);
        }
        const other = await resident.post('/v1/tickets', orderOf(city.plan, '另一件事'), { 'idempotency-key': key });
        if (other.status !== 422) throw new Error(`the same key with another order is answered ${other.status}`);
      }
      tell(`${rounds} orders`);
      return rounds;
    }, tell),
});

export const raceRuns = [oneTicket, oneKey];
