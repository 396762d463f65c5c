import { describe, expect, test } from 'vitest';
import { withoutSecrets } from './redaction.ts';

const secret = 'must-not-be-read';

describe('what is logged', () => {
  test.each([
    ...['authorization', 'Authorization', 'serviceAuthorization', 'service-authorization'],
    ...['cookie', 'Cookie', 'set-cookie', 'Set-Cookie', 'setCookie'],
    ...['password', 'oldPassword', 'newPassword', 'old_password', 'secret', 'client_secret', 'secretHash'],
    ...['token', 'access_token', 'accessToken', 'refresh_token', 'id_token', 'code', 'followCode', 'follow_code'],
    ...['name', 'names', 'displayName', 'readerName', 'login', 'phone', 'email', 'address'],
    ...['text', 'words', 'remark', 'ratingRemark', 'note', 'resolution', 'explanation'],
  ])('does not say %s, at whatever depth', (key) => {
    const fault = Object.assign(new Error('refused'), { request: { [key]: secret } });
    const about = {
      [key]: secret,
      ticket: 'T1',
      call: { [key]: secret, deep: { deeper: { deepest: [{ [key]: { of: secret } }] } } },
      list: [[{ [key]: [secret] }]],
      err: fault,
      said: { toJSON: () => ({ [key]: secret }) },
    };
    const line = JSON.stringify(withoutSecrets(about));
    expect(line).not.toContain(secret);
    expect(line).toContain('"ticket":"T1"');
    expect(line).toContain('"message":"refused"');
  });

  test('keeps what tells a fault, its kind among it', () => {
    const cause = new TypeError('no such field');
    const fault = Object.assign(new Error('refused', { cause }), { code: 'ECONNREFUSED', keyValue: { login: secret } });
    fault.name = 'MongoServerError';
    expect(withoutSecrets({ err: fault, error: fault })).toMatchObject({
      err: {
        type: 'Error',
        name: 'MongoServerError',
        message: 'refused: no such field',
        stack: expect.stringContaining('caused by: TypeError'),
        code: 'ECONNREFUSED',
        keyValue: {},
      },
      error: { message: 'refused: no such field' },
    });
  });

  test('is a copy: what was given stays as it is', () => {
    const about = { call: { phone: '13800000000' } };
    withoutSecrets(about);
    expect(about).toEqual({ call: { phone: '13800000000' } });
  });

  test('stays what it is where nothing is withheld', () => {
    const at = new Date('2026-11-24T00:00:00Z');
    const about = { at, seconds: 3, held: true, nothing: null, places: ['4599', 2], reason: 'away' };
    expect(withoutSecrets(about)).toEqual({ ...about, at: '2026-11-24T00:00:00.000Z' });
  });

  test('is written but for what cannot be read', () => {
    const unreadable = {
      get state() {
        throw new Error('gone');
      },
    };
    expect(withoutSecrets({ ticket: 'T1', unreadable })).toEqual({ ticket: 'T1', unreadable: '[unreadable]' });
  });

  test('comes to an end', () => {
    const about: Record<string, unknown> = { ticket: 'T1' };
    about.itself = about;
    about.twice = [{ a: 1 }, { a: 1 }];
    const same = { a: 1 };
    about.same = [same, same];
    let deep: object = { secret };
    for (let level = 0; level < 100; level += 1) deep = { deep };
    about.deep = deep;
    const line = JSON.stringify(withoutSecrets(about));
    expect(line).toContain('"itself":"[circular]"');
    expect(line).toContain('"same":[{"a":1},{"a":1}]');
    expect(line).toContain('"[too deep]"');
  });
});
