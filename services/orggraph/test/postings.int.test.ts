import { type RunningService, visit } from '@bandeng/service';
import { eventually, type Parts, parts } from '@bandeng/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { orggraph } from '../src/main.ts';
import { seed } from '../src/seed.ts';
import { gateway, startIdentity } from './neighbours.ts';

/** Whose postings are seen. */

const city = '4599';
const street = '459902001';
const community = `${street}001`;
const compound = `${community}501`;
const next = `${street}002`;
const far = '459902002001';
const people = ['admin', 'street-admin', 'here-admin', 'mover', 'local'];

let given: Parts;
let identity: Awaited<ReturnType<typeof startIdentity>>;
let service: RunningService;
let caller: ReturnType<typeof gateway>;
const tokens = new Map<string, string>();

type Headers = { readonly key?: string; readonly actingAs?: string };

const as = (by: string, name: string, request: object, headers: Headers = {}) =>
  caller.call(name, request, { ...headers, token: tokens.get(by) ?? '' });

beforeAll(async () => {
  given = await parts();
  identity = await startIdentity(given.environment, people);
  for (const person of people) tokens.set(person, await identity.token(person));
  service = await orggraph.start(given.environment);
  caller = gateway(given.environment);
  const validFrom = '2026-01-01T00:00:00.000Z';
  const codes = ['45', city, '459902', street, community, compound, next, '459902002', far];
  const administrator = (id: string, person: string, territory: string) => ({
    ...{ id, person, territory, validFrom },
    role: 'administrator' as const,
  });
  await visit('orggraph', given.environment, (house) =>
    seed(house, {
      territories: codes.map((code) => ({ code, name: `名${code}`, covers: [] })),
      units: [],
      postings: [
        administrator('city', 'admin', city),
        administrator('street', 'street-admin', street),
        administrator('here', 'here-admin', community),
        administrator('there', 'here-admin', next),
      ],
    }),
  );
  await eventually(async () => (await as('admin', 'GetPosting', { id: 'here' })).status === 200, { within: 10_000 });
});

afterAll(async () => {
  caller?.close();
  await service?.stop();
  await identity?.stop();
  await given?.dispose();
});

test('a posting that one may not see is answered like one that is not there', async () => {
  const missing = { status: 404, reason: 'not-found', fields: [] };
  for (const headers of [{}, { actingAs: 'somebody-elses' }]) {
    for (const name of ['GetPosting', 'EndPosting']) {
      const foreign = await as('mover', name, { id: 'city' }, headers);
      expect(await as('mover', name, { id: 'none' }, headers)).toEqual(foreign);
      if (!('actingAs' in headers)) expect(foreign).toMatchObject(missing);
    }
  }
  // Also where the asker has rights, only elsewhere.
  expect(await as('street-admin', 'EndPosting', { id: 'city' })).toMatchObject(missing);
  expect(await as('street-admin', 'EndPosting', { id: 'none' })).toMatchObject(missing);
});
