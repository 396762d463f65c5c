import { demoPassword } from '@bandeng/city';
import { callerAt } from '@bandeng/deploy/api';
import { signIn } from '@bandeng/deploy/sign-in';
import { eventually } from '@bandeng/testing';
import { type Answer, type Caller, type Town, town } from '@bandeng/testing/town';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/**
 * The administrator of one community gives out postings in it, to herself and to others. By none of them does she get the contact
 * or the account of somebody who is another's to look after.
 */

const phone = '19900007654';

let city: Town;
let administrator: Caller;
/** Administrator of the community `here`, and whoever she is besides. */
let local: { readonly caller: Caller; readonly id: string };
/** Dispatcher of the community `there`, in another district. */
let dispatcher: Caller;
let resident: string;
let supervisor: string;
let here: string;
let there: string;
let homes: { readonly here: string; readonly there: string };

async function made(by: Caller, path: string, body: object): Promise<string> {
  const answer = await by.post(path, body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return answer.body.id;
}

const registered = (login: string): Promise<string> =>
  made(administrator, '/v1/accounts', { login, name: login, password: demoPassword, phone });
const started = (by: Caller, person: string, role: string, territory: string): Promise<string> =>
  made(by, '/v1/postings', { person, role, territory });
const signedIn = async (login: string): Promise<Caller> =>
  callerAt(city.address, await signIn(`${city.address}/oidc`, login, demoPassword));
const readContact = (by: Caller, id: string): Promise<Answer> =>
  by.post(`/v1/accounts/${id}:read-contact`, { reason: '回访' });
const erase = (by: Caller, id: string): Promise<Answer> => by.post(`/v1/accounts/${id}:erase`, { reason: 'ASKED_FOR' });
const capacities = (by: Caller, number: number) =>
  eventually(async () => expect((await by.get('/v1/me')).body.capacities).toHaveLength(number));

function refused({ status, body }: Answer, expected: number, reason: string): void {
  expect({ status, type: body.type }).toEqual({ status: expected, type: `urn:bandeng:problem:${reason}` });
}

beforeAll(async () => {
  city = await town();
  administrator = await city.as('administrator');
  const buildings = city.plan.territories.map(({ code }) => code).filter((code) => code.length === 18);
  const [first = ''] = buildings;
  const other = buildings.find((code) => !code.startsWith(first.slice(0, 6))) ?? '';
  homes = { here: first.slice(0, 15), there: other.slice(0, 15) };
  [here, there] = [first.slice(0, 12), other.slice(0, 12)];

  const id = await registered('local-administrator');
  await started(administrator, id, 'ADMINISTRATOR', here);
  local = { id, caller: await signedIn('local-administrator') };
  await started(administrator, await registered('home-dispatcher'), 'COMMUNITY_DISPATCHER', there);
  dispatcher = await signedIn('home-dispatcher');
  resident = await registered('home-resident');
  await started(administrator, resident, 'RESIDENT', homes.there);
  supervisor = await registered('another-supervisor');
  await started(administrator, supervisor, 'CITY_SUPERVISOR', here.slice(0, 4));
  await capacities(local.caller, 1);
  await capacities(dispatcher, 1);
}, 60_000);
afterAll(() => city?.stop());

describe('the administrator of a community', () => {
  test('makes herself dispatcher there, and takes in nobody who is elsewhere', async () => {
    await started(local.caller, local.id, 'COMMUNITY_DISPATCHER', here);
    await capacities(local.caller, 2);
    for (const person of [resident, supervisor]) {
      for (const [role, territory] of [
        ['RESIDENT', homes.here],
        ['MEMBER', here],
      ]) {
        const answer = await local.caller.post('/v1/postings', { person, role, territory });
        refused(answer, 403, 'belongs-elsewhere');
        expect(answer.body.fields).toMatchObject([{ field: 'person' }]);
        expect(JSON.stringify(answer.body)).not.toContain(there.slice(0, 6));
      }
    }
  });

  test('reads no contact of theirs, and neither reads nor erases their accounts', async () => {
    for (const person of [resident, supervisor]) {
      refused(await readContact(local.caller, person), 404, 'not-found');
      refused(await local.caller.get(`/v1/accounts/${person}`), 404, 'not-found');
      refused(await erase(local.caller, person), 404, 'not-found');
    }
  });

  test('has no right over an account by a posting that anybody else gave there, or that she gave for work', async () => {
    await started(local.caller, supervisor, 'VOLUNTEER', here);
    await started(administrator, supervisor, 'RESIDENT', homes.here);
    // She is to reach who lives there, by a reading that the person sees; when that is so, identity knows the postings.
    await eventually(async () => expect((await readContact(local.caller, supervisor)).status).toBe(200));
    refused(await local.caller.get(`/v1/accounts/${supervisor}`), 404, 'not-found');
    refused(await erase(local.caller, supervisor), 404, 'not-found');
  });

  test('takes in a mover once the posting at the old home has ended', async () => {
    const mover = await registered('mover');
    const old = await started(administrator, mover, 'RESIDENT', homes.there);
    const move = () => local.caller.post('/v1/postings', { person: mover, role: 'RESIDENT', territory: homes.here });
    refused(await move(), 403, 'belongs-elsewhere');
    expect((await administrator.post(`/v1/postings/${old}:end`)).status).toBe(200);
    expect((await move()).status).toBe(201);
    await eventually(async () => expect((await readContact(local.caller, mover)).body).toMatchObject({ phone }));
    refused(await readContact(dispatcher, mover), 404, 'not-found');
    expect((await local.caller.get(`/v1/accounts/${mover}`)).status).toBe(200);
  });
});

test('the home community reaches its resident, also when the city lets them check in at a second one', async () => {
  expect((await readContact(dispatcher, resident)).body).toMatchObject({ phone });
  await started(administrator, resident, 'MEMBER', here);
  await eventually(async () => expect((await readContact(local.caller, resident)).status).toBe(200));
  expect((await readContact(dispatcher, resident)).body).toMatchObject({ phone });
});

test('the administrator of the city may do all of it', async () => {
  const { body: me } = await administrator.get('/v1/me');
  const capacity = await started(administrator, me.account.id, 'COMMUNITY_DISPATCHER', here);
  await capacities(administrator, 2);
  const reading = { reason: '回访' };
  const read = () => administrator.post(`/v1/accounts/${resident}:read-contact`, reading, { 'acting-as': capacity });
  await eventually(async () => expect((await read()).body).toMatchObject({ phone }));
  for (const person of [supervisor, resident]) expect((await erase(administrator, person)).status).toBe(200);
});
