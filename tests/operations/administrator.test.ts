import { startAll } from '@bandeng/deploy/all-in-one';
import { callerAt } from '@bandeng/deploy/api';
import type { RunningService } from '@bandeng/service';
import { eventually, type Parts, parts } from '@bandeng/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bandeng, bandengTold } from './bandeng.ts';

let given: Parts;
let running: RunningService;
let address: string;
beforeAll(async () => {
  given = await parts();
  address = `http://127.0.0.1:${given.environment.BANDENG_PORT}`;
  running = await startAll(given.environment);
  await eventually(() => running.ready(), { within: 20_000 });
});
afterAll(async () => {
  await running?.stop();
  await given?.dispose();
});

const environment = () => ({ ...given.environment, BANDENG_URL: address });
const appoint = (...args: string[]) => bandeng(environment(), 'administrator', ...args);
const signIn = (login: string, ...passwords: string[]) => {
  const more = passwords.length > 1 ? ['--new-password'] : [];
  return bandengTold(`${passwords.join('\n')}\n`, environment(), 'token', '--login', login, ...more);
};
const passwordIn = (said: string) => /^password +(\S+) /m.exec(said)?.[1] ?? '';
const own = 'a bench of one’s own';

test('an empty installation gets its first administrator, who signs in, chooses a password and builds the graph', async () => {
  const nameless = await appoint('Li.Na', '--name', '李娜');
  expect(nameless.code).toBe(1);
  expect(nameless.complained).toContain('45 and 4599 is not registered yet: name it by --province and --city');

  const names = ['--province', '广西壮族自治区', '--city', '贺州市'];
  const first = await appoint('Li.Na', '--name', '李娜', ...names);
  expect(first).toMatchObject({ code: 0, complained: '' });
  // Whoever has lost the password before it was used gets another one.
  const again = await appoint('li.na', '--name', '李娜');
  expect(again.code).toBe(0);
  expect(passwordIn(again.said)).toMatch(/^([a-z2-9]{5}-){3}[a-z2-9]{5}$/);
  expect(await signIn('li.na', passwordIn(first.said))).toMatchObject({ code: 1 });

  const once = await signIn('li.na', passwordIn(again.said));
  expect(once).toMatchObject({ code: 1, complained: expect.stringContaining('This password works once') });
  const chosen = await signIn('li.na', passwordIn(again.said), own);
  expect(chosen).toMatchObject({ code: 0, complained: '' });
  expect((await signIn('li.na', own)).code).toBe(0);

  const administrator = callerAt(address, chosen.said.trim());
  const me = await eventually(async () => {
    const { body } = await administrator.get('/v1/me');
    expect(body.capacities).toHaveLength(1);
    return body;
  });
  expect(me.account).toMatchObject({ name: '李娜', id: /^account +(\S+)$/m.exec(first.said)?.[1] });
  expect(me.capacities[0]).toMatchObject({ place: '贺州市', posting: { role: 'ADMINISTRATOR', territory: '4599' } });
  const district = await administrator.post('/v1/territories', { id: '459902', name: '八步区' });
  expect(district.status).toBe(201);
}, 60_000);

test('there is one first administrator', async () => {
  const same = await appoint('li.na', '--name', '李娜');
  expect(same).toMatchObject({ code: 1, complained: expect.stringContaining('li.na is administrator already') });
  const other = await appoint('lao.wang', '--name', '老王');
  expect(other).toMatchObject({ code: 1, complained: expect.stringContaining('there is an administrator already') });
}, 30_000);
