import { describe, expect, it } from 'vitest';
import { cityOf, issuerOf, logLevelOf, mongoOf, natsOf } from './settings.ts';

describe('what every service reads', () => {
  it('needs no variable', () => {
    expect(issuerOf({})).toBe('http://localhost:8080/oidc');
    expect(cityOf({})).toBe('4599');
    expect(logLevelOf({})).toBe('info');
    expect(natsOf({})).toBe('nats://127.0.0.1:4222');
    expect(mongoOf('tickets', {})).toBe('mongodb://127.0.0.1:27017/?replicaSet=bandeng');
  });

  it('takes what is right', () => {
    expect(issuerOf({ BANDENG_ISSUER: 'https://sign-in.example.org/realms/city' })).toBe(
      'https://sign-in.example.org/realms/city',
    );
    expect(cityOf({ BANDENG_CITY: '4511' })).toBe('4511');
    expect(logLevelOf({ BANDENG_LOG_LEVEL: 'silent' })).toBe('silent');
    const nats = 'nats://bandeng:secret@nats1:4222,tls://nats2:4222';
    expect(natsOf({ NATS_URL: nats })).toBe(nats);
    const mongo = 'mongodb://bandeng:secret@db1,db2,db3/?replicaSet=city&authSource=admin';
    expect(mongoOf('tickets', { MONGODB_URI: mongo })).toBe(mongo);
    const own = 'mongodb://tickets:secret@db1/?replicaSet=city';
    expect(mongoOf('tickets', { MONGODB_URI: mongo, BANDENG_TICKETS_MONGODB_URI: own })).toBe(own);
  });

  it.each([
    ['BANDENG_CITY', 'hezhou', () => cityOf({ BANDENG_CITY: 'hezhou' })],
    ['BANDENG_CITY', '451100', () => cityOf({ BANDENG_CITY: '451100' })],
    ['BANDENG_ISSUER', 'sign-in', () => issuerOf({ BANDENG_ISSUER: 'sign-in' })],
    ['BANDENG_PORT', 'eighty', () => issuerOf({ BANDENG_PORT: 'eighty' })],
    ['BANDENG_LOG_LEVEL', 'loud', () => logLevelOf({ BANDENG_LOG_LEVEL: 'loud' })],
  ])('a wrong %s is named: %s', (name, value, read) => {
    expect(read).toThrow(`${name} is '${value}'`);
  });

  it.each(['foo', 'localhost:4222', 'http://nats1:4222', 'nats://', 'nats://a:s%ecret@nats1:4222', 'nats://a,'])(
    'a wrong NATS_URL is named and not repeated: %s',
    (url) => {
      expect(() => natsOf({ NATS_URL: url })).toThrow(/^NATS_URL cannot be read: nats:\/\/<user>:<password>@/);
    },
  );

  it.each(['foo', 'mongodb://', 'mongodb://a:sec/ret@db1', 'mongodb://db1/?replicas=3'])(
    'a wrong MONGODB_URI is named and not repeated: %s',
    (uri) => {
      const wanted = 'cannot be read: mongodb://<user>:<password>@<host>';
      expect(() => mongoOf('tickets', { MONGODB_URI: uri })).toThrow(`MONGODB_URI ${wanted}`);
      expect(() => mongoOf('tickets', { BANDENG_TICKETS_MONGODB_URI: uri })).toThrow(
        `BANDENG_TICKETS_MONGODB_URI ${wanted}`,
      );
    },
  );
});
