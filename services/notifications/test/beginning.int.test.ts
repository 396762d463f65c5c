import { setTimeout as sleep } from 'node:timers/promises';
import { Posting, Territory } from '@bandeng/contracts/orggraph';
import { connectBus } from '@bandeng/events';
import { connectMongo } from '@bandeng/records';
import { startServer } from '@bandeng/rpc';
import { addressOf } from '@bandeng/service';
import { openLogger } from '@bandeng/telemetry';
import { eventually, parts } from '@bandeng/testing';
import { identityWith, standIn } from '@bandeng/testing/stand-in';
import { expect, it } from 'vitest';
import { notifications } from '../src/main.ts';

const community = '459902001001';
const validFrom = new Date('2026-01-01T00:00:00Z');
const order = {
  specversion: '1.0',
  id: 'first:1',
  source: '/bandeng/tickets',
  type: 'bandeng.tickets.ticket-ordered.v1',
  subject: 'first',
  time: new Date().toISOString(),
  datacontenttype: 'application/json',
  data: { number: '459902-20261126-000001', territory: community, category: 'c', urgency: 'ORDINARY', orderer: 'mei' },
  sequence: '1',
  sequencetype: 'Integer',
  territory: community,
};

it('nobody is told of an order before it is known who is to be told', async () => {
  await using world = await parts();
  const { environment } = world;
  const log = openLogger('neighbours', 'silent');
  const verify = async () => ({ kind: 'service', name: 'notifications' }) as const;
  const neighbour = (implementation: ReturnType<typeof standIn>) =>
    startServer({
      address: addressOf(implementation.service, environment),
      implementations: [implementation],
      verify,
      log,
    });
  const identity = await neighbour(identityWith({ getKeySet: async () => ({ json: '{"keys":[]}' }) }));
  const mongo = await connectMongo(world.mongodbUri);
  const bus = connectBus({ url: world.natsUrl, name: 'test', log });
  const running = await notifications.start(environment);
  try {
    await eventually(() => expect(bus.connected()).toBe(true));
    await bus.ensureStream('tickets');
    await bus.connection()?.request('ev.tickets.ticket-ordered.45.99.02.001.001._', JSON.stringify(order));
    const notices = mongo.db(`${world.databasePrefix}_notifications`).collection('notices');
    await sleep(2_000);
    expect(await notices.countDocuments()).toBe(0);

    const dispatcher = { id: 'p', version: 1, person: 'wang', role: 'COMMUNITY_DISPATCHER', territory: community };
    const orggraph = await neighbour(
      standIn('orggraph', {
        listChanges: async () => ({
          units: [],
          territories: [
            Territory.fromJSON({ id: community, version: 1, kind: 'COMMUNITY', name: 'here', parent: '', validFrom }),
          ],
          postings: [Posting.fromJSON({ ...dispatcher, validFrom })],
          nextPageToken: '',
          asOf: new Date(),
        }),
      }),
    );
    await eventually(
      async () => {
        const told = await notices.find({ ticket: 'first' }).toArray();
        expect(told.flatMap(({ to }) => to).toSorted()).toEqual(['person:mei', 'person:wang']);
      },
      { within: 15_000 },
    );
    await orggraph.stop();
  } finally {
    await running.stop();
    await bus.close();
    await mongo.close();
    await identity.stop();
  }
});
