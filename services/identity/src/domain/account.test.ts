import { given } from '@bandeng/decider/testing';
import { describe, expect, it } from 'vitest';
import { type AccountEvent, account, isLanguage, normalLogin } from './account.ts';

const at = '2026-03-02T01:00:00.000Z';
const registered: AccountEvent = {
  type: 'account-registered',
  data: { at, name: 'name', login: 'login', language: 'zh-CN' },
};

describe('an account', () => {
  it('is registered once, and its history points to name and login without holding them', () => {
    given(account)
      .when({ type: 'register-account', at, name: 'name', login: 'login', language: 'zh-CN' })
      .thenEvents(registered);
  });

  it('needs no login', () => {
    const then = given(account).when({ type: 'register-account', at, name: 'name', language: 'en' });
    then.thenEvents({ type: 'account-registered', data: { at, name: 'name', language: 'en' } });
    expect(then.state()).toEqual({ name: 'name', language: 'en', registeredAt: at });
  });

  it('is not registered over another', () => {
    given(account, registered)
      .when({ type: 'register-account', at, name: 'name', language: 'en' })
      .thenRefused('already-registered');
  });
});

describe('a login', () => {
  it('is the same in capitals, in full width and with blanks around it', () => {
    expect(['Li.Na', ' li.na ', 'ｌｉ.ｎａ'].map(normalLogin)).toEqual(['li.na', 'li.na', 'li.na']);
  });
});

describe('a language', () => {
  it('is one of two', () => {
    expect(['zh-CN', 'en', 'zh', ''].map(isLanguage)).toEqual([true, true, false, false]);
  });
});
