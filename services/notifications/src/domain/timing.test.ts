import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { kinds, type Pace, type Preferences, unchosen } from './preferences.ts';
import { afterQuiet, digestAfter, dueAnew, dueAt, type Telling, verdictAt, wakes } from './timing.ts';

const all = (pace: Pace): Preferences['choices'] => ({
  email: { task: pace, call: pace, progress: pace, result: pace },
});
const night = { from: '22:00', until: '07:00' };
const progress: Telling = { kind: 'progress', urgent: false };

describe('quiet hours', () => {
  test.each([
    ['late in the evening', '2026-11-24T14:30:00.000Z', '2026-11-24T23:00:00.000Z'],
    ['after midnight', '2026-11-24T18:00:00.000Z', '2026-11-24T23:00:00.000Z'],
    ['at the minute they begin', '2026-11-24T14:00:00.000Z', '2026-11-24T23:00:00.000Z'],
    ['at the minute they end', '2026-11-24T23:00:00.000Z', '2026-11-24T23:00:00.000Z'],
    ['in the middle of the day', '2026-11-24T04:00:00.000Z', '2026-11-24T04:00:00.000Z'],
  ])('from 22:00 to 07:00 in China hold back what comes %s', (_, at, sent) => {
    expect(afterQuiet(night, at)).toBe(sent);
  });

  test('at midday hold back within one day', () => {
    expect(afterQuiet({ from: '12:00', until: '14:00' }, '2026-11-24T05:00:00.000Z')).toBe('2026-11-24T06:00:00.000Z');
    expect(afterQuiet({ from: '12:00', until: '14:00' }, '2026-11-24T07:00:00.000Z')).toBe('2026-11-24T07:00:00.000Z');
  });
});

test('a digest goes out at its hour in China, today or else tomorrow', () => {
  expect(digestAfter(18, '2026-11-24T09:59:59.999Z')).toBe('2026-11-24T10:00:00.000Z');
  expect(digestAfter(18, '2026-11-24T10:00:00.000Z')).toBe('2026-11-25T10:00:00.000Z');
});

test('whoever never chose is sent nothing', () => {
  for (const kind of kinds) {
    expect(dueAt(unchosen('p'), 'email', { kind, urgent: true }, '2026-11-24T04:00:00.000Z')).toBeUndefined();
  }
});

test('a digest whose hour is quiet waits for the morning', () => {
  const preferences: Preferences = { person: 'p', choices: all('digest'), digestHour: 23, quietHours: night };
  expect(dueAt(preferences, 'email', progress, '2026-11-24T04:00:00.000Z')).toBe('2026-11-24T23:00:00.000Z');
});

test('only the task of an urgent dispatch wakes people, and only those who chose to be told', () => {
  const at = '2026-11-24T18:00:00.000Z';
  const preferences: Preferences = { person: 'p', choices: all('digest'), digestHour: 18, quietHours: night };
  expect(dueAt(preferences, 'email', { kind: 'task', urgent: true }, at)).toBe(at);
  expect(verdictAt(preferences, 'email', { kind: 'task', urgent: true }, at)).toBe('send');
  expect(dueAt(preferences, 'email', { kind: 'call', urgent: true }, at)).not.toBe(at);
  expect(dueAt({ ...preferences, choices: all('off') }, 'email', { kind: 'task', urgent: true }, at)).toBeUndefined();
});

test('what waits goes when it would go if it happened now, once its person has chosen anew', () => {
  const now = '2026-11-24T15:00:00.000Z';
  const morning = '2026-11-24T23:00:00.000Z';
  const anew = (pace: Pace, quietHours: Preferences['quietHours'], due: string) =>
    dueAnew(
      { person: 'p', choices: all(pace), digestHour: 18, ...(quietHours && { quietHours }) },
      'email',
      { ...progress, due },
      now,
    );
  const soon = '2026-11-24T15:00:00.001Z';
  const evening = '2026-11-25T10:00:00.000Z';
  expect(anew('at-once', undefined, morning), 'quiet hours taken away').toBe(soon);
  expect(anew('at-once', undefined, evening), 'no digest any more').toBe(soon);
  expect(anew('digest', night, morning), 'a digest instead').toBe(evening);
  expect(anew('at-once', night, morning), 'as it was').toBeUndefined();
  expect(anew('off', night, morning), 'not at all').toBeUndefined();
});

test('quiet hours that were chosen meanwhile hold back what is due, and a channel switched off drops it', () => {
  const at = '2026-11-24T18:00:00.000Z';
  const preferences: Preferences = { person: 'p', choices: all('at-once'), digestHour: 18 };
  expect(verdictAt(preferences, 'email', progress, at)).toBe('send');
  expect(verdictAt({ ...preferences, quietHours: night }, 'email', progress, at)).toEqual({
    until: '2026-11-24T23:00:00.000Z',
  });
  expect(verdictAt({ ...preferences, choices: all('off') }, 'email', progress, at)).toBe('unwanted');
});

const clock = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
  .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':'));
const instants = fc
  .integer({ min: Date.parse('2020-01-01T00:00:00Z'), max: Date.parse('2030-01-01T00:00:00Z') })
  .map((time) => new Date(time).toISOString());
const wishes = fc
  .record({
    pace: fc.constantFrom<Pace>('at-once', 'digest'),
    from: clock,
    until: clock,
    digestHour: fc.integer({ min: 0, max: 23 }),
  })
  .filter(({ from, until }) => from !== until)
  .map(
    ({ pace, from, until, digestHour }): Preferences => ({
      person: 'p',
      choices: all(pace),
      digestHour,
      quietHours: { from, until },
    }),
  );
const tellings = fc.record({ kind: fc.constantFrom(...kinds), urgent: fc.boolean() });

test('nothing is ever due in quiet hours but what wakes; nothing is due before it happened or two days after', () => {
  fc.assert(
    fc.property(wishes, tellings, instants, (preferences, telling, at) => {
      const due = dueAt(preferences, 'email', telling, at) ?? '';
      const wait = Date.parse(due) - Date.parse(at);
      expect(wait).toBeGreaterThanOrEqual(0);
      expect(wait).toBeLessThan(48 * 3_600_000);
      if (wakes(telling)) expect(due).toBe(at);
      else expect(verdictAt(preferences, 'email', telling, due)).toBe('send');
    }),
  );
});

test('what is held is sent when it is looked at again', () => {
  fc.assert(
    fc.property(wishes, tellings, instants, (preferences, telling, now) => {
      const verdict = verdictAt(preferences, 'email', telling, now);
      if (typeof verdict === 'string') return;
      expect(verdict.until > now).toBe(true);
      expect(verdictAt(preferences, 'email', telling, verdict.until)).toBe('send');
    }),
  );
});
