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

describe('an account that is there', () => {
  const later = '2026-03-03T01:00:00.000Z';
  const erased: AccountEvent = { type: 'account-erased', data: { at: later, reason: 'purpose_ended' } };

  it('says when contact and password were changed, and nothing of them', () => {
    given(account, registered)
      .when({ type: 'change-contact', at: later })
      .thenEvents({ type: 'contact-changed', data: { at: later } });
    given(account, registered)
      .when({ type: 'change-password', at: later })
      .thenEvents({ type: 'password-changed', data: { at: later } });
  });

  it('is erased, with a reason when it is somebody else who does it', () => {
    given(account, registered).when({ type: 'erase-account', at: later, reason: 'purpose_ended' }).thenEvents(erased);
    const then = given(account, registered).when({ type: 'erase-account', at: later });
    then.thenEvents({ type: 'account-erased', data: { at: later } });
    expect(then.state()).toMatchObject({ registeredAt: at, erasedAt: later });
  });

  it('is erased once, and nothing of it changes after that', () => {
    given(account, registered, erased).when({ type: 'erase-account', at: later }).thenNothing();
    given(account, registered, erased).when({ type: 'change-contact', at: later }).thenRefused('erased');
    given(account, registered, erased).when({ type: 'change-password', at: later }).thenRefused('erased');
    given(account, registered, erased)
      .when({ type: 'register-account', at: later, name: 'name', language: 'en' })
      .thenRefused('already-registered');
  });

  it('that nobody registered is erased by the person whose id it is, for other services may know them', () => {
    const then = given(account).when({ type: 'erase-account', at: later, own: true });
    then.thenEvents({ type: 'account-erased', data: { at: later } });
    expect(then.state()).toMatchObject({ erasedAt: later });
    expect(then.state()).not.toHaveProperty('login');
  });

  it('cannot be changed or erased when it is not there', () => {
    given(account).when({ type: 'change-contact', at }).thenRefused('no-account');
    given(account).when({ type: 'change-password', at }).thenRefused('no-account');
    given(account).when({ type: 'erase-account', at }).thenRefused('not-found');
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
