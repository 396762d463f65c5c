import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@bandeng/testing';
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Child, startChild } from '../src/embedded/child.ts';
import { freePort, locate, portAnswers } from '../src/index.ts';
import { root } from '../src/layout.ts';

let directory: string;
let server: Child;
let city: NatsConnection;
let partner: NatsConnection;

/** The configuration that the page on events shows, to the letter. */
async function shownConfiguration(): Promise<string> {
  const page = await readFile(join(root, 'docs/how-to/events.md'), 'utf8');
  const shown = /```conf\n([\s\S]*?)```/.exec(page)?.[1];
  if (shown === undefined) throw new Error('the page shows no configuration');
  return shown;
}

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
  partner = await connect({ servers, user: 'housing', pass: 'change-me-too', inboxPrefix: '_INBOX_housing' });
  const manager = await jetstreamManager(city);
  await manager.streams.add({ name: 'EV_TICKETS', subjects: ['ev.tickets.>'] });
  for (const district of ['01', '02']) {
    await jetstream(city).publish(`ev.tickets.ticket-ordered.45.99.${district}.001.001._`, district);
  }
});
afterAll(async () => {
  await partner?.close();
  await city?.close();
  await server?.stop();
  await rm(directory, { recursive: true, force: true, maxRetries: 3 });
});

const add = async (filter: string | string[] | undefined): Promise<unknown> => {
  const manager = await jetstreamManager(partner, { checkAPI: false, timeout: 1000 });
  const which =
    filter === undefined ? {} : typeof filter === 'string' ? { filter_subject: filter } : { filter_subjects: filter };
  return manager.consumers.add('EV_TICKETS', {
    durable_name: 'housing',
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ...which,
  });
};

it('hears its own district by a durable consumer that it makes itself', async () => {
  await add('ev.tickets.*.45.99.01.>');
  const consumer = await jetstream(partner, { checkAPI: false }).consumers.get('EV_TICKETS', 'housing');
  const message = await consumer.next({ expires: 2000 });
  expect(message?.string()).toBe('01');
  expect(await message?.ackAck()).toBe(true);
  expect(await consumer.next({ expires: 1000 })).toBeNull();
});

it.each([
  ['another district', 'ev.tickets.*.45.99.02.>'],
  ['the whole city', 'ev.tickets.*.45.99.>'],
  ['several filters', ['ev.tickets.*.45.99.01.>', 'ev.tickets.*.45.99.02.>']],
  ['no filter', undefined],
])('is refused %s by the server', async (_name, filter) => {
  await expect(add(filter)).rejects.toThrow(/permissions violation/i);
});

it('cannot delete the stream, nor listen past it', async () => {
  const manager = await jetstreamManager(partner, { checkAPI: false, timeout: 1000 });
  await expect(manager.streams.delete('EV_TICKETS')).rejects.toThrow(/permissions violation/i);
  const heard: string[] = [];
  const refused: string[] = [];
  partner.subscribe('ev.>', {
    callback: (fault, message) => void (fault ? refused.push(fault.message) : heard.push(message.subject)),
  });
  await partner.flush();
  await jetstream(city).publish('ev.tickets.ticket-ordered.45.99.02.001.001._', '02');
  await eventually(() => expect(refused.join('\n')).toMatch(/subscription to "ev\.>"/i), { within: 5000 });
  expect(heard).toEqual([]);
});
