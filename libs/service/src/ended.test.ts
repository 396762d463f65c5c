import type { EndedGrant, ListEndedRequest } from '@bandeng/contracts/identity';
import type { LiveHandlers } from '@bandeng/events';
import type { Caller } from '@bandeng/rpc';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Ended, followEnded } from './ended.ts';

const mei: Caller = { kind: 'person', id: 'mei' };
const hotline: Caller = { kind: 'client', id: 'hotline', scopes: [], territory: '4599' };
const tickets: Caller = { kind: 'service', name: 'tickets' };
const console: Caller = { kind: 'person', id: 'mei', grant: 'console' };
const phone: Caller = { kind: 'person', id: 'mei', grant: 'phone' };
const callers = new Map<string, Caller>(
  [mei, hotline, tickets, console, phone].map((caller) => [JSON.stringify(caller), caller]),
);
const refused = { invalid: 'its holder was erased or ended' };
const signedOut = { invalid: 'its sign-in was ended' };

let ended: Ended;
afterEach(() => ended.close());

/** An identity and a bus as a test wants them. */
function stage(options: { careEvery?: number } = {}) {
  const people: string[] = [];
  const clients: string[] = [];
  const grants: EndedGrant[] = [];
  const asked: (Date | undefined)[] = [];
  const here = { identity: true, bus: true };
  /** Answers of identity wait for it. */
  let slow: Promise<void> | undefined;
  let handlers: LiveHandlers | undefined;
  let hint: (() => void) | undefined;
  ended = followEnded({
    identity: {
      listEnded: async ({ since }: Partial<ListEndedRequest>) => {
        if (!here.identity) throw new Error('away');
        asked.push(since);
        const answer = {
          people: [...people],
          clients: [...clients],
          grants: [...grants],
          asOf: new Date(),
          more: false,
        };
        await slow;
        return answer;
      },
    },
    bus: {
      connected: () => here.bus,
      onHint: (_service, fn) => {
        hint = () => fn(['']);
        return () => {
          hint = undefined;
        };
      },
      live: (_services, _filter, given) => {
        handlers = given;
        return { ready: Promise.resolve(), position: () => '', silent: () => false, close: async () => {} };
      },
    },
    log: { info() {}, warn() {}, error() {}, debug() {} },
    pollEvery: 20,
    ...options,
  });
  const verify = ended.over(async (token) => callers.get(token) ?? { invalid: 'unknown' });
  const hear = (type: string, data: object) =>
    handlers?.event({
      ...{ position: '', stream: 'EV_IDENTITY', sequence: 1 },
      event: {
        ...{ specversion: '1.0', id: '', source: '', type, subject: '', time: '', datacontenttype: 'application/json' },
        ...{ dataschema: '', data, sequence: '1', sequencetype: 'Integer', territory: '' },
      },
    });
  const judge = (caller: Caller) => verify(JSON.stringify(caller));
  /** That sign-ins of these grants were ended, for so many milliseconds from now. */
  const end = (id: string, lasting = 60_000) => grants.push({ id, forgetAt: new Date(Date.now() + lasting) });
  return {
    ...{ people, clients, grants, end, asked, here, hear, judge },
    silent: () => handlers?.silent?.(),
    followed: () => handlers !== undefined,
    hint: () => hint?.(),
    slowDown: (until: Promise<void> | undefined) => {
      slow = until;
    },
  };
}

describe('a token', () => {
  it('counts while its holder is there', async () => {
    const { judge } = stage();
    expect(await judge(mei)).toEqual(mei);
    expect(await judge(hotline)).toEqual(hotline);
  });

  it('counts no more when its holder was erased or ended before', async () => {
    const { people, clients, judge } = stage();
    people.push('mei');
    clients.push('hotline');
    expect(await judge(mei)).toEqual(refused);
    expect(await judge(hotline)).toEqual(refused);
  });

  it('counts no more as soon as it is heard that its holder was erased or ended', async () => {
    const { hear, judge } = stage();
    expect(await judge(mei)).toEqual(mei);
    hear('bandeng.identity.account-erased.v1', { person: 'mei' });
    hear('bandeng.identity.client-ended.v1', { client: 'hotline' });
    expect(await judge(mei)).toEqual(refused);
    expect(await judge(hotline)).toEqual(refused);
  });

  it('counts no more within seconds while the bus is away', async () => {
    const { people, here, judge } = stage();
    expect(await judge(mei)).toEqual(mei);
    here.bus = false;
    people.push('mei');
    await vi.waitFor(async () => expect(await judge(mei)).toEqual(refused));
  });

  it('counts no more within seconds while nothing is heard', async () => {
    const { people, judge, silent } = stage();
    expect(await judge(mei)).toEqual(mei);
    silent();
    people.push('mei');
    await vi.waitFor(async () => expect(await judge(mei)).toEqual(refused));
  });

  it('is judged only when it is known who was ended', async () => {
    const { here, judge } = stage();
    here.identity = false;
    await expect(judge(mei)).rejects.toThrow('away');
    here.identity = true;
    expect(await judge(mei)).toEqual(mei);
    here.identity = false;
    expect(await judge(mei)).toEqual(mei);
  });

  it('counts no more when its sign-in was ended before; those of another sign-in do', async () => {
    const { end, judge } = stage();
    end('phone');
    expect(await judge(phone)).toEqual(signedOut);
    expect(await judge(console)).toEqual(console);
    expect(await judge(mei)).toEqual(mei);
  });

  it('counts no more as soon as it is hinted that a sign-in was ended', async () => {
    const { asked, end, hint, judge } = stage();
    expect(await judge(phone)).toEqual(phone);
    await vi.waitFor(() => expect(asked).toHaveLength(2));
    end('phone');
    hint();
    await vi.waitFor(async () => expect(await judge(phone)).toEqual(signedOut));
    expect(asked).toHaveLength(3);
    expect(await judge(console)).toEqual(console);
  });

  it('counts no more when its sign-in was ended while the question for others was under way', async () => {
    const { asked, end, hint, judge, slowDown } = stage();
    expect(await judge(phone)).toEqual(phone);
    await vi.waitFor(() => expect(asked).toHaveLength(2));
    await new Promise((resolve) => setImmediate(resolve)); // and answered
    const slow = Promise.withResolvers<void>();
    slowDown(slow.promise);
    hint();
    expect(asked).toHaveLength(3);
    end('phone');
    for (let n = 0; n < 10; n++) hint();
    slowDown(undefined);
    slow.resolve();
    await vi.waitFor(async () => expect(await judge(phone)).toEqual(signedOut));
    expect(asked).toHaveLength(4);
  });

  it('counts no more within seconds of its sign-in’s end while the bus is away', async () => {
    const { end, here, judge } = stage();
    expect(await judge(phone)).toEqual(phone);
    here.bus = false;
    end('phone');
    await vi.waitFor(async () => expect(await judge(phone)).toEqual(signedOut));
  });

  it('counts no more a little later though no hint of its sign-in’s end has come', async () => {
    const { end, judge } = stage({ careEvery: 100 });
    expect(await judge(phone)).toEqual(phone);
    end('phone');
    await vi.waitFor(async () => expect(await judge(phone)).toEqual(signedOut));
  });

  it('whose sign-in was ended is forgotten when all of it have expired', async () => {
    const { end, grants, here, judge } = stage();
    here.bus = false;
    end('phone', 200);
    expect(await judge(phone)).toEqual(signedOut);
    grants.length = 0;
    await vi.waitFor(async () => expect(await judge(phone)).toEqual(phone));
  });

  it('of a service needs no question', async () => {
    const { asked, here, judge } = stage();
    here.identity = false;
    expect(await judge(tickets)).toEqual(tickets);
    expect(asked).toEqual([]);
  });
});

it('follows nothing any more when it was closed during the first question', async () => {
  const { asked, judge, slowDown, followed } = stage();
  const slow = Promise.withResolvers<void>();
  slowDown(slow.promise);
  const judged = judge(mei);
  await ended.close();
  slow.resolve();
  expect(await judged).toEqual(mei);
  expect(asked).toHaveLength(1);
  expect(followed()).toBe(false);
});

it('is asked from the last answer on, and hardly ever while the bus is well', async () => {
  const { asked, judge } = stage();
  await judge(mei);
  await vi.waitFor(() => expect(asked).toHaveLength(2)); // at the beginning, and when the stream began
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(asked).toHaveLength(2);
  expect(asked[0]).toBeUndefined();
  expect(asked[1]?.getTime()).toBeLessThan(Date.now() - 9_000);
});
