import { type Parts, parts } from '@bandeng/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStand, type Stand } from './neighbours.ts';

/** Whose postings are seen, and who may be taken in where, as resident or member, and by whom. */

const city = '4599';
const street = '459902001';
const community = `${street}001`;
const compound = `${community}501`;
const next = `${street}002`;
const far = '459902002001';
const people = ['admin', 'street-admin', 'here-admin', 'far-admin', 'mover', 'moved', 'local'];
const hour = 3_600_000;
const begun = Date.now();
const from = (hours: number): Date => new Date(begun + hours * hour);
const elsewhere = { status: 403, reason: 'belongs-elsewhere', fields: ['person'] };

let given: Parts;
let stand: Stand;

const as: Stand['as'] = (...asked) => stand.as(...asked);
const give = (
  by: string,
  person: string,
  role: string,
  territory: string,
  more: object = {},
  headers: Parameters<Stand['as']>[3] = {},
) => as(by, 'StartPosting', { person, role, territory, ...more }, headers);

beforeAll(async () => {
  given = await parts();
  const validFrom = '2026-01-01T00:00:00.000Z';
  const codes = ['45', city, '459902', street, community, compound, next, '459902002', far];
  const administrator = (id: string, person: string, territory: string) => ({
    ...{ id, person, territory, validFrom },
    role: 'administrator' as const,
  });
  stand = await openStand(given, people, {
    territories: codes.map((code) => ({ code, name: `名${code}`, covers: [] })),
    units: [],
    postings: [
      administrator('city', 'admin', city),
      administrator('street', 'street-admin', street),
      administrator('here', 'here-admin', community),
      administrator('there', 'here-admin', next),
      administrator('far', 'far-admin', far),
    ],
  });
});
afterAll(async () => {
  await stand?.stop();
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

describe('A person is taken in, as resident or member,', () => {
  test('by any community as long as they hold no posting', async () => {
    expect((await give('here-admin', 'local', 'RESIDENT', compound)).status).toBe(200);
    expect((await give('here-admin', 'local', 'MEMBER', community)).status).toBe(200);
  });

  test('by nobody over the heads of those who have them: an office counts as much as a home', async () => {
    for (const [person, role] of [
      ['local', 'MEMBER'],
      ['admin', 'RESIDENT'],
      ['street-admin', 'MEMBER'],
    ] as const) {
      const at = person === 'local' ? far : community;
      const by = person === 'local' ? 'far-admin' : 'here-admin';
      expect(await give(by, person, role, at), person).toMatchObject(elsewhere);
    }
    expect((await give('here-admin', 'admin', 'VOLUNTEER', community)).status).toBe(200);
    expect((await give('admin', 'street-admin', 'MEMBER', community)).status).toBe(200);
  });

  test('by whoever could also have given what they hold, in all capacities together or in the one that is named', async () => {
    expect((await give('admin', 'mover', 'RESIDENT', next, { validUntil: from(2) })).status).toBe(200);
    expect(await give('here-admin', 'mover', 'MEMBER', community, {}, { actingAs: 'here' })).toMatchObject(elsewhere);
    expect((await give('here-admin', 'mover', 'MEMBER', community, { validUntil: from(2) })).status).toBe(200);
    expect((await give('street-admin', 'mover', 'RESIDENT', compound, { validUntil: from(2) })).status).toBe(200);
  });

  test('also by others before and after what they hold, and a command that is repeated stays done', async () => {
    const taken = { key: 'taken-in' };
    const later = { validFrom: from(2) };
    expect((await give('far-admin', 'mover', 'RESIDENT', far, later, taken)).status).toBe(200);
    expect(await give('street-admin', 'mover', 'RESIDENT', compound, { validFrom: from(3) })).toMatchObject(elsewhere);
    const across = { validFrom: from(1), validUntil: from(9) };
    expect(await give('street-admin', 'mover', 'MEMBER', next, across)).toMatchObject(elsewhere);
    expect((await give('street-admin', 'mover', 'MEMBER', next, { validUntil: from(2) })).status).toBe(200);
    expect(await give('far-admin', 'mover', 'RESIDENT', far, later, taken)).toMatchObject({ replayed: true });
  });

  test('by their new community once the posting at the old one has ended', async () => {
    const person = 'moved';
    const { body: old } = await give('far-admin', person, 'RESIDENT', far);
    expect(await give('here-admin', person, 'RESIDENT', compound)).toMatchObject(elsewhere);
    expect((await as('far-admin', 'EndPosting', { id: old.id })).status).toBe(200);
    expect((await give('here-admin', person, 'RESIDENT', compound)).status).toBe(200);
  });
});
