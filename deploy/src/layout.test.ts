import { expect, test } from 'vitest';
import { layoutOf } from './layout.ts';

test.each([
  [undefined, 'http://127.0.0.1:8080'],
  ['0.0.0.0', 'http://127.0.0.1:8080'],
  ['::', 'http://127.0.0.1:8080'],
  ['192.0.2.7', 'http://192.0.2.7:8080'],
  ['2001:db8::7', 'http://[2001:db8::7]:8080'],
])('a gateway that listens at %s answers at %s', (host, address) => {
  expect(layoutOf({ BANDENG_HOST: host }).gateway).toBe(address);
});
