import { given } from '@bandeng/decider/testing';
import { expect, test } from 'vitest';
import { preferences, type SetPreferences, unchosen } from './preferences.ts';

const wish: SetPreferences = {
  person: 'mei',
  choices: [
    { kind: 'task', channel: 'email', pace: 'at-once' },
    { kind: 'progress', channel: 'email', pace: 'digest' },
  ],
  language: 'en',
  quietHours: { from: '22:00', until: '07:00' },
  digestHour: 18,
};

test('what is not named is off', () => {
  const set = given(preferences).when(wish);
  expect(set.state()?.choices.email).toEqual({ task: 'at-once', call: 'off', progress: 'digest', result: 'off' });
});

test('saying the same again changes nothing, saying less takes the rest away', () => {
  const before = given(preferences).when(wish).events();
  given(preferences, ...before)
    .when(wish)
    .thenNothing();
  const less = given(preferences, ...before).when({ person: 'mei', choices: [], digestHour: 18 });
  expect(less.state()).toEqual(unchosen('mei'));
});

test('the inbox cannot be chosen, nothing can be chosen twice, and quiet hours last', () => {
  given(preferences)
    .when({ ...wish, choices: [{ kind: 'task', channel: 'inbox', pace: 'off' }] })
    .thenRefused('inbox-always');
  given(preferences)
    .when({ ...wish, choices: [...wish.choices, { kind: 'task', channel: 'email', pace: 'off' }] })
    .thenRefused('choice-repeated');
  given(preferences)
    .when({ ...wish, quietHours: { from: '12:00', until: '12:00' } })
    .thenRefused('quiet-hours-empty');
});
