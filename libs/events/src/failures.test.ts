import { expect, it } from 'vitest';
import { isTransient, NotNow } from './failures.ts';

const failure = (about: object, name = 'Error'): Error => Object.assign(new Error('x'), about, { name });

it('counts a fault of the handler, not of what it needs', () => {
  expect(isTransient(new NotNow('later'))).toBe(true);
  expect(isTransient(failure({ code: 14 }))).toBe(true);
  expect(isTransient(failure({ code: 'UNAVAILABLE' }, 'RpcFailure'))).toBe(true);
  expect(isTransient(failure({ code: 'ECONNREFUSED', syscall: 'connect' }))).toBe(true);
  expect(isTransient(failure({}, 'TimeoutError'))).toBe(true);
  expect(isTransient(new Error('outer', { cause: failure({ code: 14 }) }))).toBe(true);

  expect(isTransient(new TypeError('bug'))).toBe(false);
  expect(isTransient(failure({ code: 3 }))).toBe(false);
  expect(isTransient(failure({ code: 8 }, 'MongoServerError'))).toBe(false);
  expect(isTransient(failure({ code: 'ENOENT', syscall: 'open' }))).toBe(false);
  expect(isTransient('text')).toBe(false);
});
