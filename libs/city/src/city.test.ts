import fc from 'fast-check';
import { expect, test } from 'vitest';
import { planCity } from './index.ts';

const now = new Date('2026-11-24T06:00:00.000Z');

test('the same seed makes the same city, another seed another', () => {
  expect(planCity({ seed: 7, scale: 0.02, now })).toEqual(planCity({ seed: 7, scale: 0.02, now }));
  expect(planCity({ seed: 8, scale: 0.02, now }).accounts[0]?.name).not.toBe(undefined);
  expect(planCity({ seed: 8, scale: 0.02, now })).not.toEqual(planCity({ seed: 7, scale: 0.02, now }));
});

test('the whole city has the figures of Hezhou', () => {
  const plan = planCity({ scale: 1, now });
  const of = (width: number, test: (end: number) => boolean = () => true): number =>
    plan.territories.filter(({ code }) => code.length === width && test(Number(code.slice(12)))).length;
  expect(of(6)).toBe(2);
  expect(of(9)).toBe(6);
  expect(of(12)).toBe(12);
  expect(of(15, (end) => end >= 500)).toBe(132); // 11 for each community
  expect(of(15, (end) => end < 500)).toBe(252);
  expect(plan.units).toHaveLength(487);
  expect(plan.postings.filter(({ role }) => role === 'member').length).toBeGreaterThan(9_900);
});

test('in every city each place is registered below one that is there, and each role has a login', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000 }), fc.constantFrom(0.01, 0.05, 0.1), (seed, scale) => {
      const plan = planCity({ seed, scale, now });
      const known = new Set<string>();
      for (const { code, covers } of plan.territories) {
        const parent = code.length <= 2 ? '' : code.length <= 6 ? code.slice(0, -2) : code.slice(0, -3);
        if (parent !== '') expect(known).toContain(parent);
        for (const covered of covers) expect(known).toContain(covered);
        expect(known.has(code)).toBe(false);
        known.add(code);
      }
      const people = new Set(plan.accounts.map(({ id }) => id));
      const units = new Set(plan.units.map(({ id }) => id));
      expect(people.size).toBe(plan.accounts.length);
      for (const posting of plan.postings) {
        expect(people).toContain(posting.person);
        expect(posting.unit === undefined ? known.has(posting.territory ?? '') : units.has(posting.unit)).toBe(true);
      }
      expect(plan.logins).toHaveLength(15);
      expect(plan.accounts.filter(({ password }) => password !== undefined)).toHaveLength(15);
    }),
    { numRuns: 20 },
  );
});

test('a story goes forward in time, ends before now, and everybody in it is known', () => {
  const plan = planCity({ scale: 0.1, now });
  const people = new Set(plan.accounts.map(({ id }) => id));
  for (const story of plan.stories) {
    let before = story.orderedAt;
    expect(people).toContain(story.orderer);
    for (const step of story.steps) {
      expect(step.at >= before).toBe(true);
      expect(step.at <= now.toISOString()).toBe(true);
      before = step.at;
      if (step.by !== undefined) expect(people).toContain(step.by.person);
    }
  }
});
