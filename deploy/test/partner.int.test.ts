import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@bandeng/testing';
import { AckPolicy, type Consumer, DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Child, startChild } from '../src/embedded/child.ts';
import { freePort, locate, portAnswers } from '../src/index.ts';
import { root } from '../src/layout.ts';

const filter = 'ev.tickets.*.45.99.01.>';
const here = { apiPrefix: 'bandeng', checkAPI: false };

let directory: string;
let server: Child;
let city: NatsConnection;
let partner: NatsConnection;
let consumer: Consumer;
/** Whatever comes by on the bus of the city beside tickets. */
const strays: string[] = [];

/** The configuration that the page on events shows, to the letter. */
async function shownConfiguration(): Promise<string> {
  const page = await readFile(join(root, 'docs/how-to/events.md'), 'utf8');
  const shown = /```conf\n([\s\S]*?)```/.exec(page)?.[1];
  if (shown === undefined) throw new Error('the page shows no configuration');
  return shown;
}

const happen = (district: string, text = district) =>
  jetstream(city).publish(`ev.tickets.ticket-ordered.45.99.${district}.001.001._`, text);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bandeng-partner-'));
  const port = await freePort();
  const file = join(directory, 'nats.conf');
  const own = `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${join(directory, 'store')}" }\n`;
  await writeFile(file, own + (await shownConfiguration()));
  const command = await locate('nats-server');
  const log = join(directory, 'nats.log');
  server = startChild({ command, arguments: ['--config', file], log, whenOrphaned: 'SIGKILL' });
  await eventually(async () => expect(await portAnswers(port)).toBe(true), { within: 10_000 });
  const servers = `127.0.0.1:${port}`;
  city = await connect({ servers, user: 'bandeng', pass: 'change-me' });
  partner = await connect({ servers, user: 'housing', pass: 'change-me-too' });
  const manager = await jetstreamManager(city);
  await manager.streams.add({ name: 'EV_TICKETS', subjects: ['ev.tickets.>'] });
  await manager.streams.add({ name: 'EV_IDENTITY', subjects: ['ev.identity.>'] });
  await manager.consumers.add('EV_TICKETS', {
    durable_name: 'housing',
    filter_subject: filter,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
  });
  for (const subject of ['hint.>', 'ev.identity.>']) {
    // What JetStream delivers elsewhere keeps the subject it was stored under: count it whatever it says it is.
    city.subscribe(subject, { callback: (_fault, message) => void strays.push(message.subject) });
  }
  for (const district of ['01', '02']) await happen(district);
  consumer = await jetstream(partner, here).consumers.get('EV_TICKETS', 'housing');
});
afterAll(async () => {
  await partner?.close();
  await city?.close();
  await server?.stop();
  await rm(directory, { recursive: true, force: true, maxRetries: 3 });
});

it('hears its own district by the durable consumer that the operator has made', async () => {
  const message = await consumer.next({ expires: 2000 });
  expect(message?.string()).toBe('01');
  expect(await message?.ackAck()).toBe(true);
  expect(await consumer.next({ expires: 1000 })).toBeNull();
  const heard: string[] = [];
  const messages = await consumer.consume();
  for (const [district, text] of [
    ['02', 'elsewhere'],
    ['01', 'again'],
    ['01', 'last'],
  ] as const) {
    await happen(district, text);
  }
  for await (const each of messages) {
    heard.push(each.string());
    each.ack();
    if (each.string() === 'last') break;
  }
  expect(heard).toEqual(['again', 'last']);
  const manager = await jetstreamManager(city);
  await eventually(async () => {
    expect(await manager.consumers.info('EV_TICKETS', 'housing')).toMatchObject({ num_ack_pending: 0, num_pending: 0 });
  });
});

const asked = {
  'another district': { filter_subject: 'ev.tickets.*.45.99.02.>' },
  'several filters': { filter_subjects: [filter, 'ev.tickets.*.45.99.02.>'] },
  'no filter': {},
  'delivery as hints': { filter_subject: filter, deliver_subject: 'hint.notifications' },
  'delivery as events of another service': { filter_subject: filter, deliver_subject: 'ev.identity.account-erased.45' },
};

it.each(Object.entries(asked))('can make no consumer: %s', async (_name, config) => {
  for (const name of ['housing', 'another']) {
    const body = JSON.stringify({
      stream_name: 'EV_TICKETS',
      config: { durable_name: name, ack_policy: 'explicit', deliver_policy: 'all', ...config },
    });
    for (const prefix of ['$JS.API', 'bandeng']) {
      for (const call of [
        `CONSUMER.CREATE.EV_TICKETS.${name}`,
        `CONSUMER.CREATE.EV_TICKETS.${name}.${filter}`,
        `CONSUMER.DURABLE.CREATE.EV_TICKETS.${name}`,
      ]) {
        expect(await refusal(`${prefix}.${call}`, body), `${prefix}.${call}`).toMatch(/no responders|not enabled/);
      }
    }
  }
  const manager = await jetstreamManager(city);
  const made = await manager.consumers.list('EV_TICKETS').next();
  expect(
    made.map(({ name, config: { filter_subject, deliver_subject } }) => [name, filter_subject, deliver_subject]),
  ).toEqual([['housing', filter, undefined]]);
});

/** Why the partner gets nothing by this request. */
async function refusal(subject: string, body = ''): Promise<string> {
  try {
    const { error } = (await partner.request(subject, body, { timeout: 2000 })).json<{
      error?: { description: string };
    }>();
    return error?.description ?? 'answered';
  } catch (fault) {
    return String(fault);
  }
}

it.each([
  'STREAM.DELETE.EV_TICKETS',
  'STREAM.PURGE.EV_TICKETS',
  'STREAM.MSG.GET.EV_TICKETS',
  'DIRECT.GET.EV_TICKETS',
  'STREAM.INFO.EV_TICKETS',
  'STREAM.CREATE.EV_HOUSING',
  'CONSUMER.DELETE.EV_TICKETS.housing',
  'CONSUMER.MSG.NEXT.EV_TICKETS.another',
])('cannot ask %s', async (call) => {
  for (const prefix of ['$JS.API', 'bandeng']) {
    expect(await refusal(`${prefix}.${call}`, '{"seq":1}')).toMatch(/no responders|not enabled/);
  }
});

it('hears nothing beside its consumer', async () => {
  const heard: string[] = [];
  partner.subscribe('>', { callback: (_fault, message) => void heard.push(message.subject) });
  await partner.flush();
  await happen('01');
  await happen('02');
  city.publish('hint.notifications', 'for the city');
  await city.flush();
  await partner.flush();
  expect(heard.filter((subject) => /^(ev|hint)\./.test(subject))).toEqual([]);
  await eventually(() => expect(strays).toEqual(['hint.notifications']));
});

it('says nothing in the account of the city, by itself or by where it lets the server answer', async () => {
  strays.length = 0;
  for (const text of ['bait', 'bait', 'bait', 'bait']) await happen('01', text);
  const answers = new Map<string, string[]>();
  for (const reply of ['hint.notifications', 'ev.identity.account-erased.45.99._._._._']) {
    const heard: string[] = [];
    answers.set(reply, heard);
    partner.subscribe(reply, { callback: (_fault, message) => void heard.push(message.string()) });
    partner.publish(reply, 'by itself');
    for (const prefix of ['$JS.API', 'bandeng']) {
      partner.publish(`${prefix}.CONSUMER.INFO.EV_TICKETS.housing`, '', { reply });
      partner.publish(`${prefix}.CONSUMER.MSG.NEXT.EV_TICKETS.housing`, '{"batch":1,"expires":500000000}', { reply });
    }
    partner.publish('$JS.ACK.EV_TICKETS.housing.1.1.1.1.0', '', { reply });
    partner.publish('$JS.ACK.EV_TICKETS.housing.1.2.2.1.0', '+NXT', { reply });
  }
  await partner.flush();
  // The answers do go where it wants them: in its own account.
  await eventually(() => {
    for (const heard of answers.values()) {
      expect(heard).toEqual(expect.arrayContaining(['by itself', 'bait', expect.stringContaining('consumer_info')]));
    }
  });
  await city.flush();
  expect(strays).toEqual([]);
  const manager = await jetstreamManager(city);
  expect((await manager.streams.info('EV_IDENTITY')).state.messages).toBe(0);
});
