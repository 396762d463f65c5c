/** A process that holds the lease and relays until it is killed: for the fail points. */
import { inspect } from 'node:util';
import { connectMongo, openRecords } from '@bandeng/records';
import { connectBus, openOperations, publishing, startRelay, startTenure } from '../src/index.ts';
import { errandDefinition, errandPublications, quiet } from './errands.ts';

/** What keeps it from its fail point is to be read beside the test that waits for it. */
const say = (about: object, message: string): void => {
  process.stderr.write(`relay process: ${message} ${inspect(about)}\n`);
};
const log = { ...quiet, warn: say, error: say };

const { MONGODB_URI = '', NATS_URL = '', BANDENG_DATABASE_PREFIX = '' } = process.env;
const client = await connectMongo(MONGODB_URI);
const records = await openRecords({ database: client.db(`${BANDENG_DATABASE_PREFIX}_tickets`) });
const errands = await records.define(errandDefinition);
const tenure = startTenure({ lease: records.outbox.lease(`process ${process.pid}`), log });
startRelay({
  service: 'tickets',
  bus: connectBus({ url: NATS_URL, name: 'relay-process', log }),
  outbox: records.outbox,
  tenure,
  publishings: [publishing(errands, errandPublications)],
  city: '4599',
  operations: openOperations(client.db(`${BANDENG_DATABASE_PREFIX}_tickets`)),
  log,
});
