import { randomUUID } from 'node:crypto';
import { type Bus, connectBus, eventSubject, everything } from '@bandeng/events';
import { eventually, type Parts, parts } from '@bandeng/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configure } from '../src/config.ts';
import { type Answers, openStand, type Stand, tokenOf } from './stand.ts';

/** One event as a client reads it. */
interface Heard {
  id?: string;
  event?: string;
  data?: string;
}

/** A client of server-sent events. */
interface Ear extends AsyncDisposable {
  readonly status: number;
  readonly heard: Heard[];
  /** The last id that was told, with or without an event. */
  lastId(): string | undefined;
  readonly ended: Promise<void>;
  problem(): Promise<unknown>;
}

async function listen(url: string, headers: Record<string, string>): Promise<Ear> {
  const abort = new AbortController();
  const response = await fetch(url, { headers, signal: abort.signal });
  const heard: Heard[] = [];
  let last: string | undefined;
  const read = async () => {
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const block: Heard = Object.fromEntries(
          text
            .slice(0, end)
            .split('\n')
            .filter((line) => !line.startsWith(':'))
            .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
        );
        text = text.slice(end + 2);
        last = block.id ?? last;
        if (block.data !== undefined) heard.push(block);
      }
    }
  };
  const ended = response.ok ? read().catch(() => {}) : Promise.resolve();
  return {
    status: response.status,
    heard,
    lastId: () => last,
    ended,
    problem: () => response.json(),
    async [Symbol.asyncDispose]() {
      abort.abort();
      await ended;
    },
  };
}

/** What notifications has in its inboxes, by person, newest first. */
const inboxes = new Map<string, { id: string; at: Date; title: string }[]>();

const answers: Answers = {
  ListInbox({ pageSize, pageToken }: { pageSize: number; pageToken: string }, { caller }) {
    const all = (caller.kind === 'person' && inboxes.get(caller.id)) || [];
    const from = Number(pageToken || 0);
    const nextPageToken = from + pageSize < all.length ? String(from + pageSize) : '';
    return { notices: all.slice(from, from + pageSize), nextPageToken };
  },
};

describe('streams', () => {
  let real: Parts;
  let bus: Bus;
  let notifications: Bus;
  let stand: Stand;
  let base: string;

  beforeAll(async () => {
    real = await parts();
    const log = { info() {}, warn() {}, error() {}, debug() {} };
    bus = connectBus({ url: real.natsUrl, name: 'gateway', log });
    notifications = connectBus({ url: real.natsUrl, name: 'notifications', log });
    await eventually(() => expect([bus.connected(), notifications.connected()]).toEqual([true, true]));
    for (const service of ['identity', 'orggraph', 'tickets']) await bus.ensureStream(service);
    const streams = { ...configure(real.environment).streams, heartbeatMs: 100 };
    stand = await openStand({ answers, bus, configuration: { streams } });
    base = await stand.gateway.app.listen({ port: 0, host: '127.0.0.1' });
  });
  afterAll(async () => {
    await stand?.[Symbol.asyncDispose]();
    await bus?.close();
    await notifications?.close();
    await real?.dispose();
  });

  /** Puts an event on the bus as a relay would. */
  async function happen(
    service: string,
    name: string,
    territory: string,
    data: object,
    subject: string = randomUUID(),
  ) {
    const event = {
      specversion: '1.0',
      id: `${subject}:1`,
      source: `/bandeng/${service}`,
      type: `bandeng.${service}.${name}.v1`,
      subject,
      time: new Date().toISOString(),
      datacontenttype: 'application/json',
      dataschema: `urn:bandeng:schema:bandeng.${service}.${name}.v1`,
      data,
      sequence: '1',
      sequencetype: 'Integer',
      territory,
    };
    await bus.connection()?.request(eventSubject(service, name, territory), JSON.stringify(event), { timeout: 5000 });
    return subject;
  }
  /** A notice comes into the inbox of these people, and notifications says so. */
  function notice(people: readonly string[], hinted: readonly string[] = people, secondsAgo = 0): string {
    const id = randomUUID();
    for (const person of people) {
      const posted = { id, at: new Date(Date.now() - secondsAgo * 1000), title: '派单' };
      const all = [posted, ...(inboxes.get(person) ?? [])];
      inboxes.set(
        person,
        all.sort((a, b) => b.at.getTime() - a.at.getTime()),
      );
    }
    for (const one of hinted) notifications.hint('notifications', one);
    return id;
  }
  const inbox = async (token: string, after?: string) =>
    listen(`${base}/v1/inbox:stream`, { authorization: `Bearer ${token}`, ...(after && { 'last-event-id': after }) });
  const system = (territory: string, scopes = ['events']) =>
    tokenOf({ kind: 'client', id: 'partner', scopes, territory });
  const feed = async (query = '', token = system('4599'), after?: string) =>
    listen(`${base}/v1/events${query}`, { authorization: `Bearer ${token}`, ...(after && { 'last-event-id': after }) });
  const subjects = (ear: Ear) =>
    ear.heard.map(({ data }) => JSON.parse(data ?? '{}').subject ?? JSON.parse(data ?? '{}').id);

  describe('of the inbox', () => {
    test('bring a person the notices that are theirs, and nobody else those', async () => {
      await using mine = await inbox(tokenOf({ kind: 'person', id: 'p1' }));
      await using theirs = await inbox(tokenOf({ kind: 'person', id: 'p2' }));
      await eventually(() => expect([mine.lastId(), theirs.lastId()]).not.toContain(undefined));
      const first = notice(['p1']);
      await eventually(() => expect(subjects(mine)).toEqual([first]));
      const forMany = notice(['p1', 'p2']);
      await eventually(() => expect([subjects(mine), subjects(theirs)]).toEqual([[first, forMany], [forMany]]));
      expect(mine.heard[0]).toMatchObject({ event: 'notice-posted' });
      expect(JSON.parse(mine.heard[0]?.data ?? '')).toMatchObject({ title: '派单' });
    });

    test('begin with what comes, not with what was there, and tell what comes some seconds late', async () => {
      notice(['p6']);
      await using ear = await inbox(tokenOf({ kind: 'person', id: 'p6' }));
      await eventually(() => expect(ear.lastId()).toBeDefined());
      const late = notice(['p6'], ['p6'], 5);
      await eventually(() => expect(subjects(ear)).toEqual([late]));
    });

    test('go on where a client was, then live, each notice once', async () => {
      const token = tokenOf({ kind: 'person', id: 'p3' });
      let last: string | undefined;
      const first = await (async () => {
        await using ear = await inbox(token);
        await eventually(() => expect(ear.lastId()).toBeDefined());
        const id = notice(['p3']);
        await eventually(() => expect(subjects(ear)).toEqual([id]));
        last = ear.lastId();
        return id;
      })();
      const missed = Array.from({ length: 130 }, (_, index) => notice(['p3'], ['p3'], -index / 1000));
      await using again = await inbox(token, last);
      await eventually(() => expect(subjects(again)).toEqual(missed));
      const live = notice(['p3'], ['p3'], -1);
      await eventually(() => expect(subjects(again)).toEqual([...missed, live]));
      expect(subjects(again)).not.toContain(first);
    });

    test('look again when NATS was away, or all may have something new', async () => {
      await using ear = await inbox(tokenOf({ kind: 'person', id: 'p7' }));
      await eventually(() => expect(ear.lastId()).toBeDefined());
      const unheard = notice(['p7'], []);
      await bus.connection()?.reconnect();
      await eventually(() => expect(subjects(ear)).toEqual([unheard]));
      const ofAll = notice(['p7'], [everything]);
      await eventually(() => expect(subjects(ear)).toEqual([unheard, ofAll]));
    });

    test('go on when notifications was away', async () => {
      await using ear = await inbox(tokenOf({ kind: 'person', id: 'p10' }));
      await eventually(() => expect(ear.lastId()).toBeDefined());
      await stand.stopService('notifications');
      const meanwhile = notice(['p10']);
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(subjects(ear)).toEqual([]);
      await stand.startService('notifications');
      await eventually(() => expect(subjects(ear)).toEqual([meanwhile]), { within: 10_000 });
    });

    test('refuse a position that is none', async () => {
      const ear = await inbox(tokenOf({ kind: 'person', id: 'p8' }), 'EV_NOTIFICATIONS:12');
      expect(await ear.problem()).toMatchObject({ status: 400, fields: [{ field: 'Last-Event-ID' }] });
    });

    test('are for people only and end with their token', async () => {
      expect((await inbox(system('4599'))).status).toBe(403);
      expect((await listen(`${base}/v1/inbox:stream`, {})).status).toBe(401);
      expect((await inbox(tokenOf({ kind: 'person', id: 'p5' }, -1))).status).toBe(401);
      const short = await inbox(tokenOf({ kind: 'person', id: 'p5' }, 2));
      expect(short.status).toBe(200);
      await short.ended;
    });
  });

  describe('of events', () => {
    test('bring a system what happens in its territory, as CloudEvents', async () => {
      await using ear = await feed('', system('459902'));
      const ordered = await happen('tickets', 'ticket-ordered', '459902001001', { number: 'n' });
      await happen('tickets', 'ticket-ordered', '459903001001', { number: 'n' });
      const unit = await happen('orggraph', 'unit-registered', '459902', {});
      await eventually(() => expect(subjects(ear).sort()).toEqual([ordered, unit].sort()));
      expect(ear.heard[0]).toMatchObject({ id: expect.stringMatching(/^EV_\w+@\w+:\d+(,EV_\w+@\w+:\d+){2}$/) });
      expect(JSON.parse(ear.heard[0]?.data ?? '')).toMatchObject({ specversion: '1.0', territory: expect.any(String) });
    });

    test('can be narrowed by types and by territory within its own', async () => {
      await using ear = await feed('?types=ticket-rated,bandeng.tickets.ticket-closed.v1&territory=459902001');
      await happen('tickets', 'ticket-ordered', '459902001001', {});
      const rated = await happen('tickets', 'ticket-rated', '459902001001', {});
      const closed = await happen('tickets', 'ticket-closed', '459902001002', {});
      await happen('tickets', 'ticket-closed', '459902002001', {});
      await eventually(() => expect(subjects(ear)).toEqual([rated, closed]));
    });

    test('are refused by name to whom they are not for', async () => {
      expect((await listen(`${base}/v1/events`, {})).status).toBe(401);
      expect((await feed('', tokenOf({ kind: 'person', id: 'p1' }))).status).toBe(403);
      expect((await feed('', system('4599', ['tickets']))).status).toBe(403);
      expect((await feed('?territory=4501')).status).toBe(403);
      expect((await feed('', system(''))).status).toBe(400);
      for (const query of ['?types=nothing', '?territory=459', '?colour=red', '?types=a&types=b']) {
        const refused = await feed(query);
        expect(await refused.problem(), query).toMatchObject({
          status: 400,
          type: 'urn:bandeng:problem:invalid-request',
        });
      }
    });

    test('go on from Last-Event-ID over several streams, each event once', async () => {
      let last: string | undefined;
      {
        await using ear = await feed();
        const seen = await happen('tickets', 'ticket-ordered', '459902001001', {});
        await eventually(() => expect(subjects(ear)).toContain(seen));
        last = ear.lastId();
      }
      const missed = [
        await happen('tickets', 'ticket-dispatched', '459902001001', {}),
        await happen('orggraph', 'posting-started', '459902', {}),
        await happen('tickets', 'ticket-accepted', '459902001001', {}),
      ];
      await using again = await feed('', undefined, last);
      await eventually(() => expect(subjects(again).sort()).toEqual([...missed].sort()));
    });

    test('say that they are gone when nobody can go on from there', async () => {
      for (const position of ['EV_TICKETS@1abc:5', 'EV_TICKETS:99999999', 'nonsense']) {
        const gone = await feed('?types=ticket-ordered', undefined, position);
        expect(await gone.problem(), position).toMatchObject({ status: 410, type: 'urn:bandeng:problem:events-gone' });
      }
    });
  });

  test('are 503 while NATS is away, and an inbox is there all the same', async () => {
    await using alone = await openStand({ answers });
    const url = await alone.gateway.app.listen({ port: 0, host: '127.0.0.1' });
    const events = await listen(`${url}/v1/events`, { authorization: `Bearer ${system('4599')}` });
    expect(await events.problem()).toMatchObject({ status: 503 });
    const person = await listen(`${url}/v1/inbox:stream`, {
      authorization: `Bearer ${tokenOf({ kind: 'person', id: 'x' })}`,
    });
    expect(person.status).toBe(200);
    await person[Symbol.asyncDispose]();
  });

  test('end soon after their sign-in or their system was ended, though nothing happens', async () => {
    const person = tokenOf({ kind: 'person', id: 'p10' });
    const client = system('4599');
    const ears = [await inbox(person), await feed('', client)];
    expect(ears.map(({ status }) => status)).toEqual([200, 200]);
    stand.end(person);
    stand.end(client);
    await Promise.all(ears.map(({ ended }) => ended));
  });

  test('are bounded in number also for those who come while the streams of others are looked for', async () => {
    const slow: Bus = {
      ...bus,
      live: (...wish) => {
        const subscription = bus.live(...wish);
        const ready = subscription.ready.then(() => new Promise<void>((resolve) => setTimeout(resolve, 50)));
        return { ...subscription, ready };
      },
    };
    const streams = { ...configure(real.environment).streams, streamsOfOne: 2 };
    await using other = await openStand({ answers, bus: slow, configuration: { streams } });
    const url = await other.gateway.app.listen({ port: 0, host: '127.0.0.1' });
    const token = tokenOf({ kind: 'client', id: 'partner', scopes: ['events'], territory: '4599' });
    const headers = { authorization: `Bearer ${token}` };
    const ears = await Promise.all(Array.from({ length: 8 }, () => listen(`${url}/v1/events`, headers)));
    expect(ears.map(({ status }) => status).sort()).toEqual([200, 200, 429, 429, 429, 429, 429, 429]);
  });

  test('are bounded in number for one caller, and all end at shut-down', async () => {
    const streams = { ...configure(real.environment).streams, streamsOfOne: 2 };
    const stand = await openStand({ answers, bus, configuration: { streams } });
    const url = await stand.gateway.app.listen({ port: 0, host: '127.0.0.1' });
    const headers = { authorization: `Bearer ${tokenOf({ kind: 'person', id: 'p9' })}` };
    const ears = [await listen(`${url}/v1/inbox:stream`, headers), await listen(`${url}/v1/inbox:stream`, headers)];
    expect((await listen(`${url}/v1/inbox:stream`, headers)).status).toBe(429);
    const started = Date.now();
    await stand[Symbol.asyncDispose]();
    await Promise.all(ears.map(({ ended }) => ended));
    expect(Date.now() - started).toBeLessThan(5000);
  });
});
