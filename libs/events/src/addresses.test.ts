import { describe, expect, it } from 'vitest';
import { serversOf } from './addresses.ts';

describe('addresses of NATS', () => {
  it('may be several, with a user and a password for all', () => {
    expect(serversOf('nats://city:p%40ss@nats1:4222, nats://nats2:4222,tls://nats3:4223')).toEqual({
      servers: ['nats://nats1:4222', 'nats://nats2:4222', 'tls://nats3:4223'],
      user: 'city',
      pass: 'p@ss',
    });
  });

  it('need no user', () => {
    expect(serversOf('nats://127.0.0.1:4222')).toEqual({ servers: ['nats://127.0.0.1:4222'] });
  });
});
