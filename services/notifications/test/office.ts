/** The parts of notifications that send, on a real MongoDB and a real mail server, with a clock that stands where a test puts it. */
import type { EventType } from '@bandeng/contracts';
import type { CloudEvent } from '@bandeng/events';
import { connectMongo, openRecords } from '@bandeng/records';
import { failures, RpcFailure } from '@bandeng/rpc';
import { parts } from '@bandeng/testing';
import { mailSink } from '@bandeng/testing/mail';
import { carriersOf } from '../src/channels/carriers.ts';
import { configure } from '../src/config.ts';
import type { Choice, Preferences } from '../src/domain/preferences.ts';
import type { Post } from '../src/mailing.ts';
import { reactions } from '../src/reactions.ts';
import { ids, openKept } from '../src/records.ts';
import { deliverySweep } from '../src/sweeps.ts';

/** Tuesday, 24 November 2026, 10:00 in China. */
const tuesday = '2026-11-24T02:00:00.000Z';
export const community = '459901001001';
const number = '459901-20261124-000001';
const actor = { system: 'notifications' } as const;

export async function office() {
  const world = await parts();
  const sink = await mailSink();
  const mongo = await connectMongo(world.mongodbUri);
  const database = mongo.db(`${world.databasePrefix}_notifications`);
  const kept = await openKept(await openRecords({ database }));
  let time = Date.parse(tuesday);
  const now = (): Date => new Date(time);

  const lines: object[] = [];
  const keep = (about: object, message: string): void => void lines.push({ ...about, message });
  const log: Post['log'] = { debug: keep, info: keep, warn: keep, error: keep };
  const environment = { BANDENG_SMTP_URL: sink.url, BANDENG_MAIL_FROM: '板凳 <no-reply@city.example>' };
  const carriers = carriersOf(configure(environment), log);

  /** What identity knows. */
  const contacts = new Map<string, { email: string; language: string }>();
  const unreadable = new Set<string>();
  let away = false;
  const identity: Post['identity'] = {
    async getContactForDelivery({ person = '' }) {
      if (away) throw new RpcFailure(failures.unavailable(), false);
      if (unreadable.has(person)) throw new RpcFailure(failures.internal());
      return contacts.get(person) ?? { email: '', language: '' };
    },
  };
  const members: string[] = [];
  const hinted: string[] = [];
  const told = reactions(kept, {
    directory: {
      holders: ({ roles }) => (roles.includes('member') ? members : roles.includes('organ_liaison') ? ['li'] : []),
      ancestors: (code) => [code.slice(0, 4), code.slice(0, 6), code],
    },
    now,
    hint: (person) => void hinted.push(person),
    channels: ['email'],
  });
  const post: Post = { kept, database, carriers, identity, log, now };
  // Time goes on by this one, whatever the clock says.
  let ticked = 0;
  const ticks = () => ticked;
  let sweep = deliverySweep(post, ticks);
  let events = 0;
  let commands = 0;

  return {
    database,
    kept,
    sink,
    contacts,
    /** People of whose contact identity cannot tell. */
    unreadable,
    /** People of whom it was said that they have something new. */
    hinted,
    /** Identity goes away, or comes back. */
    identityAway(gone: boolean): void {
      away = gone;
    },
    members,
    lines,
    post,
    now,
    /** A command's context, each of its own. */
    context: () => ({ id: `test:${++commands}`, at: now().toISOString(), actor }),
    /** Waits for an instant, `11-24 22:30` in China. */
    clock(china: string): void {
      const until = Date.parse(`2026-${china.replace(' ', 'T')}:00+08:00`);
      ticked += until - time;
      time = until;
    },
    later(minutes: number): void {
      time += minutes * 60_000;
      ticked += minutes * 60_000;
    },
    /** Somebody puts the clock back. */
    setBack(minutes: number): void {
      time -= minutes * 60_000;
    },
    async wish(person: string, choices: readonly Choice[], more: Partial<Preferences> = {}): Promise<void> {
      const command = { digestHour: 18, ...more, person, choices };
      const context = { id: `test:${++commands}`, at: now().toISOString(), actor };
      await kept.wishes.run(ids.preferences(person), context, () => ({ command }));
    },
    /** An event of a ticket, as it comes over the bus; given an id, it has come before. */
    async happens(
      type: EventType,
      data: object,
      { id = `ticket-${++events}:1`, time: happened = now().toISOString() } = {},
    ): Promise<string> {
      const event: CloudEvent = {
        specversion: '1.0',
        id,
        source: '/bandeng/tickets',
        type,
        subject: id.slice(0, id.indexOf(':')),
        time: happened,
        datacontenttype: 'application/json',
        dataschema: '',
        data: { number, ...data },
        sequence: '1',
        sequencetype: 'Integer',
        territory: community,
      };
      for (const { name, react } of told.filter((one) => one.type === type)) {
        const found = await react(event, { service: 'notifications', actor, log });
        for (const { target, run } of 'skipped' in found ? [] : found) {
          const command = `event:${id}:${name}:${target ?? ''}`;
          await run(command, { id: command, at: now().toISOString(), actor });
        }
      }
      return id;
    },
    /** One round of the sweep; answers how many commands took effect. */
    round: () => sweep.run(new AbortController().signal),
    /** The process ends and another takes over. */
    restart(): void {
      sweep = deliverySweep(post, ticks);
    },
    async deliveries() {
      const found = await kept.deliveries.collection.find({}, { sort: { plannedAt: 1, _id: 1 } }).toArray();
      return found.map((document) => kept.deliveries.stored(document));
    },
    /** Everything that lies in the database, as text. */
    async everything(): Promise<string> {
      const all = await Promise.all((await database.collections()).map((collection) => collection.find().toArray()));
      return JSON.stringify(all);
    },
    async close(): Promise<void> {
      for (const carrier of carriers.values()) carrier.close();
      await sink.stop();
      await mongo.close();
      await world.dispose();
    },
  };
}

export type Office = Awaited<ReturnType<typeof office>>;
