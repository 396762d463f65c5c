import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type Answers, openStand, tokenOf } from './stand.ts';

/** Who gets a list as a file while many ask. */

const bearer = (id: string) => ({ authorization: `Bearer ${tokenOf({ kind: 'person', id })}` });
const rows = 20;
const listed: Answers = {
  ListTickets: () => ({ tickets: Array.from({ length: rows }, (_, index) => ({ id: `${index}` })), nextPageToken: '' }),
};

/** The status of an answer to a guest at an address, after all of it has come. */
async function statusFrom(localAddress: string, url: string): Promise<number> {
  const [answer] = await once(httpRequest(url, { localAddress }).end(), 'response');
  await once(answer.resume(), 'end');
  return answer.statusCode;
}

test('an official gets it each time while ten guests ask again and again', async () => {
  const slowly = async () => {
    await delay(30);
    return { territories: [], nextPageToken: '' };
  };
  await using stand = await openStand({ answers: { ...listed, ListTerritories: slowly } });
  const url = await stand.gateway.app.listen({ host: '127.0.0.1', port: 0 });
  let over = false;
  const heard = new Set<number>();
  const loops = Array.from({ length: 10 }, async (_, index) => {
    while (!over) heard.add(await statusFrom(`127.0.0.${11 + index}`, `${url}/v1/territories.xlsx`));
  });
  await expect.poll(() => heard).toContain(503);
  for (let time = 0; time < 20; time += 1) {
    const answer = await fetch(`${url}/v1/tickets.csv`, { headers: bearer('official') });
    expect(answer.status).toBe(200);
    expect((await answer.text()).trim().split('\r\n')).toHaveLength(1 + rows);
  }
  over = true;
  await Promise.all(loops);
  expect([...heard].toSorted()).toEqual([200, 503]);
});

test('whoever has two already is told to come again, and no one else is', async () => {
  const go = Promise.withResolvers<void>();
  const held = async () => {
    await go.promise;
    return { tickets: [], nextPageToken: '' };
  };
  await using stand = await openStand({ answers: { ListTickets: held, ListCategories: () => ({ categories: [] }) } });
  const url = await stand.gateway.app.listen({ host: '127.0.0.1', port: 0 });
  const two = [1, 2].map(() => fetch(`${url}/v1/tickets.csv`, { headers: bearer('p1') }));
  const get = (headers: Record<string, string>) => fetch(`${url}/v1/categories.csv`, { headers });
  await expect.poll(async () => (await get(bearer('p1'))).status).toBe(429);
  const refused = await get(bearer('p1'));
  expect(refused.headers.get('retry-after')).toBe('5');
  expect(await refused.json()).toMatchObject({ type: 'urn:bandeng:problem:too-many-requests' });
  expect((await get(bearer('p2'))).status).toBe(200);
  expect((await get({})).status).toBe(200);
  expect((await get({ authorization: 'Bearer a' })).status).toBe(401);
  go.resolve();
  expect((await Promise.all(two)).map(({ status }) => status)).toEqual([200, 200]);
  await expect.poll(async () => (await get(bearer('p1'))).status).toBe(200);
});
