import type { Town } from '@bandeng/testing/town';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fuzzDocument } from './document.ts';
import { fuzzEvents } from './events.ts';
import { fuzzFrames } from './frames.ts';
import { fuzzedTown } from './ground.ts';

/** The same in every run, unless asked otherwise: a finding of the test command is a change of ours. */
const seed = Number(process.env.BANDENG_FUZZ_SEED ?? 1);
const say = (line: string) => process.stderr.write(`fuzz: ${line}\n`);

let city: Town;
beforeAll(async () => {
  city = await fuzzedTown();
});
afterAll(() => city?.stop());

describe('a town, of which anything may be asked,', () => {
  test('reacts to good events beside mangled ones, of which each leaves one dead letter at most', async () => {
    expect(await fuzzEvents(city, { seed, seconds: 8 })).toBeGreaterThan(0);
  }, 90_000);

  test('answers any frame, with any metadata, and never by a fault of its own', async () => {
    expect(await fuzzFrames(city, { seed, seconds: 8 })).toBeGreaterThan(0);
  }, 90_000);

  test('answers guests, four roles and another system as its document says, whatever they send', async () => {
    expect(await fuzzDocument(city, { seed, seconds: 60, say })).toBeGreaterThan(0);
  }, 300_000);
});
