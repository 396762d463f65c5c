import { expect, test } from 'vitest';
import { configure, domainOf } from './config.ts';

test('without a server e-mail is off', () => {
  expect(configure({})).toEqual({});
  expect(configure({ BANDENG_MAIL_FROM: 'no-reply@city.example' })).toEqual({});
});

test('a server and a sender switch e-mail on', () => {
  const environment = {
    BANDENG_SMTP_URL: 'smtp://mail.city.example:25',
    BANDENG_MAIL_FROM: '板凳 <no-reply@city.example>',
  };
  expect(configure(environment).email).toEqual({
    url: 'smtp://mail.city.example:25',
    from: '板凳 <no-reply@city.example>',
  });
  expect(domainOf('板凳 <no-reply@city.example>')).toBe('city.example');
});

test('a fault names its variable and never repeats a password', () => {
  const secret = { BANDENG_SMTP_URL: 'mail://user:secret@host', BANDENG_MAIL_FROM: 'no-reply@city.example' };
  expect(() => configure(secret)).toThrow(/BANDENG_SMTP_URL/);
  expect(() => configure(secret)).not.toThrow(/secret/);
  expect(() => configure({ BANDENG_SMTP_URL: 'smtp://mail.city.example' })).toThrow(/BANDENG_MAIL_FROM/);
});
