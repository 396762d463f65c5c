import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { MongoClient, Timestamp } from 'mongodb';
import { expect, test } from 'vitest';
import { fragileCity } from './city.ts';
import { allWell } from './judgement.ts';
import { startLoad } from './load.ts';

interface Kept {
  _id: string;
  ticket?: string;
  event?: string;
  written?: Timestamp;
  history: { at: Date }[];
}

test('the judge finds whatever is done to what is stored, published and told', async () => {
  await using city = await fragileCity();
  await city.start();
  const load = startLoad(await city.street(), { seed: 1, rate: 100 });
  await load.more(30);
  await load.stop();
  await city.drained();
  expect(await city.judge()).toEqual(allWell);

  const mongo = await MongoClient.connect(city.parts.mongodbUri);
  const nats = await connect({ servers: new URL(city.parts.natsUrl).host, noAsyncTraces: true });
  try {
    await city.kill();
    const tickets = mongo.db('bandeng_tickets').collection<Kept>('tickets');
    const leases = mongo.db('bandeng_tickets').collection<Kept>('leases');
    const notices = mongo.db('bandeng_notifications').collection<Kept>('notices');
    const [one, other] = await tickets.find({ 'history.command': /WithdrawTicket/ }).toArray();
    const answered = [...city.ledger.lines().answered];
    const keysOf = (id: string | undefined) => answered.filter(([, done]) => done.id === id).map(([key]) => key);

    // Somebody orders past the gateway, somebody else's order vanishes, and its events stay.
    const entry = { id: 'nobody-asked:1', seq: 1, at: new Date(), command: 'http:x:tickets.OrderTicket:odd' };
    const made = { _id: 'nobody-asked', history: [{ ...entry, type: 'ordered' }], followHash: 'odd', number: 'odd' };
    await tickets.insertOne(made);
    await tickets.deleteOne({ _id: one?._id ?? '' });
    const odd = await city.judge();
    expect(odd).toMatchObject({ lost: keysOf(one?._id), phantom: ['nobody-asked odd'], eventLost: ['nobody-asked:1'] });
    expect(odd.effectLost).toEqual(['nobody-asked:1']);
    await tickets.deleteOne({ _id: 'nobody-asked' });
    await tickets.insertOne(one as Kept);
    expect(await city.judge()).toEqual(allWell);

    // A notice is posted twice, another one is not; one comes late, and an event comes again.
    const [first] = await notices.find({ ticket: other?._id ?? '', event: /ordered/ }).toArray();
    await notices.insertOne({ ...(first as Kept), _id: 'again' });
    await notices.deleteOne({ ticket: one?._id ?? '', event: /withdrawn/ });
    await notices.updateOne({ _id: first?._id ?? '' }, { $set: { 'history.0.at': new Date(Date.now() + 60_000) } });
    // And the relay has not come to the last one.
    const last = await tickets.findOne({}, { sort: { written: -1 } });
    const { t = 0, i = 0 } = last?.written ?? {};
    const before = new Timestamp({ t, i: i - 1 });
    await leases.updateOne({ _id: 'service' }, { $set: { 'fields.relay.told.tickets': before } });
    const event = {
      specversion: '1.0',
      id: `${other?._id}:1`,
      source: '/bandeng/tickets',
      type: 'x',
      time: '2026-01-01',
    };
    const rest = { subject: other?._id, sequence: '1', territory: '4599', data: {} };
    await jetstream(nats).publish('ev.tickets.odd', JSON.stringify({ ...event, ...rest }));
    const wrong = await city.judge();
    expect(wrong).toMatchObject({
      effectLost: [`${one?._id}:2`],
      eventDoubled: [`${other?._id}:1`],
      disorder: [`${other?._id}:1`, `${other?._id}:2 was told late`],
      stranded: [last?._id],
    });
    // The event, and each of the two whom it was told.
    expect(wrong.effectDoubled).toHaveLength(3);
  } finally {
    await nats.close();
    await mongo.close();
  }
}, 60_000);
