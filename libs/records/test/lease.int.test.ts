import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@bandeng/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Lease } from '../src/index.ts';
import { leaseOf } from '../src/lease.ts';
import { type House, house } from './errands.ts';

let home: House;
const lease = (name: string, holder: string): Lease => leaseOf(home.database, name, holder);

beforeAll(async () => {
  home = await house();
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
});

describe('a lease', () => {
  it('has one holder, however many want it at once', async () => {
    const leases = Array.from({ length: 20 }, (_, index) => lease('many', `h${index}`));
    const held = await Promise.all(leases.map((one) => one.acquire()));
    expect(held.filter(Boolean)).toHaveLength(1);
    expect(await Promise.all(leases.map((one) => one.acquire()))).toStrictEqual(held);
  });

  it('goes over at once when it is released, with the fields that were written', async () => {
    const [one, other] = [lease('handed', 'a'), lease('handed', 'b')];
    expect(await one.read('lastSequence')).toBeUndefined();
    expect(await one.acquire()).toBe(true);
    expect(await one.write({ lastSequence: 41, stream: 'EV_RECORDS' })).toBe(true);
    expect(await other.acquire()).toBe(false);
    expect(await other.write({ lastSequence: 1 })).toBe(false);
    await one.release();
    expect(one.token).toBeUndefined();
    expect(await other.acquire()).toBe(true);
    expect(other.token).toBe(2);
    expect(await other.read('lastSequence')).toBe(41);
    expect(await other.write({ lastSequence: 42 })).toBe(true);
    expect(await one.read('lastSequence')).toBe(42);
    expect(await one.read('stream')).toBe('EV_RECORDS');
  });

  it('of a holder that was stopped goes over after 3 s, and the old one that goes on can neither renew nor write', async () => {
    const [stopped, next] = [lease('stopped', 'a'), lease('stopped', 'b')];
    await stopped.acquire();
    const since = Date.now();
    await eventually(async () => expect(await next.acquire()).toBe(true), { within: 6_000 });
    expect(Date.now() - since).toBeGreaterThan(2_500);
    expect(await stopped.write({ lastSequence: 7 })).toBe(false);
    expect(await stopped.renew()).toBe(false);
    expect(stopped.token).toBeUndefined();
    await stopped.release();
    expect(await next.write({ lastSequence: 8 })).toBe(true);
    expect(await next.read('lastSequence')).toBe(8);
  });

  it('is kept by renewing it', async () => {
    const [holder, other] = [lease('renewed', 'a'), lease('renewed', 'b')];
    await holder.acquire();
    for (let second = 0; second < 4; second += 1) {
      await sleep(1_000);
      expect(await holder.renew()).toBe(true);
    }
    expect(await other.acquire()).toBe(false);
    expect(await holder.write({ lastSequence: 1 })).toBe(true);
  });
});

describe('serials', () => {
  it('are each given once, in blocks, to all who ask at the same time', async () => {
    const [one, other] = [home.records.serials('tickets'), home.records.serials('tickets')];
    const numbers = await Promise.all(
      Array.from({ length: 250 }, (_, index) => (index % 2 === 0 ? one : other).next()),
    );
    expect(new Set(numbers).size).toBe(250);
    expect(Math.min(...numbers)).toBe(1);
    expect(await home.database.collection('counters').findOne({}, { projection: { _id: 0 } })).toStrictEqual({
      last: 400,
    });
    expect(await home.records.serials('units', 10).next()).toBe(1);
  });
});
