import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { flatJpeg } from './flat-jpeg.ts';

/** What photos take of a process that looks at nothing else. */

async function looking(width: number, height: number, count: number) {
  const file = new URL('memory-process.ts', import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, [file, ...[width, height, count].map(String)]);
  return JSON.parse(stdout);
}

test('small files that unfold to more than a camera takes cost nothing, and an ordinary photo is taken meanwhile', async () => {
  expect(flatJpeg(8_896, 8_896).length).toBeLessThan(1_000_000);
  const { meanwhile, others, megabytes } = await looking(8_896, 8_896, 4);
  expect(meanwhile).toBe('photo');
  expect(others).toEqual(Array.from({ length: 4 }, () => 'photo-too-large'));
  expect(megabytes).toBeLessThan(100);
}, 60_000);

test('as many of the largest as may wait take the memory of two, and who comes beyond is sent away', async () => {
  const { meanwhile, others, megabytes } = await looking(5_888, 4_352, 20);
  expect(meanwhile).toBe('photo');
  expect(others.filter((outcome: string) => outcome === 'photo')).toHaveLength(15);
  expect(others.filter((outcome: string) => outcome === 'overloaded')).toHaveLength(5);
  expect(megabytes).toBeLessThan(800);
}, 60_000);
