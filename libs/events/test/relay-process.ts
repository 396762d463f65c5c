/** A process that holds the lease and relays until it is killed: for the fail points. */
import { connectMongo, openRecords } from '@bandeng/records';
import { connectBus, openOperations, publishing, startRelay, startTenure } from '../src/index.ts';
import { errandDefinition, errandPublications, quiet } from './errands.ts';

const { MONGODB_URI = '', NATS_URL = '', BANDENG_DATABASE_PREFIX = '' } = process.env;
const client = await connectMongo(MONGODB_URI);
const records = await openRecords({ database: client.db(`${BANDENG_DATABASE_PREFIX}_tickets`) });
const errands = await records.define(errandDefinition);
const tenure = startTenure({ lease: records.outbox.lease(`process ${process.pid}`), log: quiet });
startRelay({
  service: 'tickets',
  bus: connectBus({ url: NATS_URL, name: 'relay-process', log: quiet }),
  outbox: records.outbox,
  tenure,
  publishings: [publishing(errands, errandPublications)],
  city: '4599',
  operations: openOperations(client.db(`${BANDENG_DATABASE_PREFIX}_tickets`)),
  log: quiet,
});
