import { expect, test } from 'vitest';
import { openStay } from './stay.ts';

test('what was entered first is left last, and once', async () => {
  const left: string[] = [];
  const stay = openStay();
  const leave = (name: string) => async () => void left.push(name);
  expect(stay.enter({ built: 'the ground', close: leave('ground') })).toBe('the ground');
  stay.onLeave(leave('relay'));
  await stay.leave();
  await stay.leave();
  expect(left).toEqual(['relay', 'ground']);
});

test('what cannot be left keeps nobody from leaving the rest, and is told', async () => {
  const left: string[] = [];
  const stay = openStay();
  stay.onLeave(async () => void left.push('ground'));
  stay.onLeave(() => Promise.reject(new Error('the relay is stuck')));
  stay.onLeave(() => Promise.reject(new Error('the server is stuck')));
  await expect(stay.leave()).rejects.toThrow('the server is stuck');
  expect(left).toEqual(['ground']);
});
