import { demoPassword } from '@bandeng/city';
import { callerAt } from '@bandeng/deploy/api';
import { signIn, signInSystem } from '@bandeng/deploy/sign-in';
import { eventually } from '@bandeng/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FragileCity, fragileCity } from '../resilience/city.ts';

/**
 * Whose posting ends, who is erased, and a client that is ended lose within seconds what they had, at every service: by the bus,
 * without it, and while it keeps its connections and says nothing.
 */

type Caller = ReturnType<typeof callerAt>;

/** Somebody whose posting will end, somebody who will be erased and a system that will be ended, all with tokens that live on. */
interface Leaving {
  readonly posting: string;
  readonly posted: Caller;
  readonly person: string;
  readonly erased: Caller;
  readonly client: string;
  readonly system: Caller;
}

const pathsOfPeople = ['/v1/tickets', '/v1/me', '/v1/inbox', '/v1/postings', '/v1/failed-deliveries'];
const pathsOfSystems = ['/v1/tickets', '/v1/units', '/v1/me', '/v1/events'];

let city: FragileCity;
let administrator: Caller;
let community: string;
let ticket: string;
const leaving: Leaving[] = [];

beforeAll(async () => {
  city = await fragileCity();
  await city.start();
  administrator = callerAt(city.address, await city.token('administrator'));
  const home = city.plan.postings.find(({ role }) => role === 'resident')?.territory ?? '';
  community = home.slice(0, 12);
  const resident = callerAt(city.address, await city.token('resident'));
  const category = city.plan.categories[0]?.join('.');
  ticket = await made(resident, '/v1/tickets', { text: '楼道灯坏了', territory: home, category });
  for (const number of [1, 2, 3]) leaving.push(await somebodyLeaving(number));
  for (const { posted, erased, system } of leaving) {
    for (const they of [posted, erased]) await shows(they, `/v1/tickets/${ticket}`, 200);
    await shows(system, '/v1/tickets', 200);
  }
}, 120_000);
afterAll(() => city?.[Symbol.asyncDispose](), 30_000);

/** The id of what was made. */
async function made(by: Caller, path: string, body: object): Promise<string> {
  const answer = await by.post(path, body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return answer.body.id;
}

async function dispatcher(login: string): Promise<{ person: string; posting: string; caller: Caller }> {
  const person = await made(administrator, '/v1/accounts', { login, password: demoPassword, name: login });
  const posting = await made(administrator, '/v1/postings', {
    person,
    role: 'COMMUNITY_DISPATCHER',
    territory: community,
  });
  const token = await signIn(`${city.address}/oidc`, login, demoPassword);
  return { person, posting, caller: callerAt(city.address, token) };
}

async function somebodyLeaving(number: number): Promise<Leaving> {
  const one = await dispatcher(`posted-${number}`);
  const other = await dispatcher(`erased-${number}`);
  const asked = { name: `系统${number}`, scopes: ['tickets.read', 'events'], territory: community.slice(0, 6) };
  const { body: client } = await administrator.post('/v1/clients', asked);
  const token = await signInSystem(`${city.address}/oidc`, client.id, client.secret);
  return {
    posting: one.posting,
    posted: one.caller,
    person: other.person,
    erased: other.caller,
    client: client.id,
    system: callerAt(city.address, token),
  };
}

/** The status alone: a stream of events would go on. */
async function statusOf({ token }: Caller, path: string): Promise<number> {
  const answer = await fetch(city.address + path, { headers: { authorization: `Bearer ${token}` } });
  await answer.body?.cancel();
  return answer.status;
}

function shows(caller: Caller, path: string, status: number, within = 10_000): Promise<void> {
  return eventually(async () => expect(await statusOf(caller, path), path).toBe(status), { within });
}

/** Ends all three and waits until no service takes them for what they were. */
async function leave({ posting, posted, person, erased, client, system }: Leaving, within: number): Promise<void> {
  const ends: [string, object][] = [
    [`/v1/postings/${posting}:end`, {}],
    [`/v1/accounts/${person}:erase`, { reason: 'ASKED_FOR' }],
    [`/v1/clients/${client}:end`, {}],
  ];
  for (const [path, body] of ends) {
    const ended = await administrator.post(path, body);
    expect(ended.status, `${path}: ${JSON.stringify(ended.body)}`).toBe(200);
  }
  await Promise.all([
    shows(posted, `/v1/tickets/${ticket}`, 404, within),
    eventually(async () => expect((await posted.get('/v1/me')).body.capacities ?? []).toEqual([]), { within }),
    ...pathsOfPeople.map((path) => shows(erased, path, 401, within)),
    ...pathsOfSystems.map((path) => shows(system, path, 401, within)),
  ]);
  // Whose posting ended is still who they are.
  expect(await statusOf(posted, '/v1/me')).toBe(200);
}

function next(): Leaving {
  const found = leaving.shift();
  if (found === undefined) throw new Error('nobody is left to leave');
  return found;
}

test('what ends has ended everywhere within five seconds by the bus', () => leave(next(), 5_000));

test('and within ten without it', async () => {
  await city.parts.natsServer.kill();
  await leave(next(), 10_000);
}, 30_000);

test('and within twenty while it is there and says nothing', async () => {
  await city.parts.natsServer.start();
  await eventually(
    async () => {
      const ready = await fetch(`${city.address}/readyz`);
      expect(Object(await ready.json()).nats).toBe('connected');
    },
    { within: 10_000 },
  );
  city.parts.natsServer.freeze();
  try {
    await leave(next(), 20_000);
  } finally {
    city.parts.natsServer.thaw();
  }
}, 45_000);
