import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServiceName } from '@bandeng/contracts';
import { findHoles, openDeadLetters, streamOf } from '@bandeng/events';
import type { Db, Document } from '@bandeng/records';
import { addressOf, type House, type Running, type Service } from '@bandeng/service';
import { type Databases, type Installation, keepers } from '../installation.ts';
import { type Check, type Finding, fail, look, ok, some, warn } from './finding.ts';

/** How much is looked at: so many aggregates of each kind, or all. */
export interface Thoroughness {
  readonly audited: number | undefined;
  readonly followed: number | undefined;
}

export const sampled: Thoroughness = { audited: 500, followed: 50 };
export const all: Thoroughness = { audited: undefined, followed: undefined };

/** What can be asked of the databases while the services run. */
export function databaseContentChecks(databases: Databases): Check[] {
  return keepers.flatMap((service) => [
    { name: `dead letters of ${service}`, look: async () => [await deadLetters(service, await databases.of(service))] },
    {
      name: `directory of ${service}`,
      look: async () => [await directory(service, await databases.of(service), await databases.of('orggraph'))],
    },
  ]);
}

async function deadLetters(service: ServiceName, database: Db): Promise<Finding> {
  const check = `dead letters of ${service}`;
  const open = await (await openDeadLetters(database)).open();
  return open === 0 ? ok(check, 'none are open') : fail(check, `${open} are open: ./bandeng dead-letters list`);
}

const LATEST = 100;
const FRESH_MS = 15_000;
const kinds = { units: 'unit', territories: 'territory', postings: 'posting' } as const;

/** Whether the copy has the latest changes of the graph. */
async function directory(service: ServiceName, database: Db, orggraph: Db): Promise<Finding> {
  const check = `directory of ${service}`;
  const copy = database.collection<Document & { _id: string; version: number }>('directory');
  const kept = await copy.findOne({ _id: 'kept-until' });
  if (kept === null) return fail(check, 'it has never been loaded');
  let looked = 0;
  const behind: string[] = [];
  for (const [collection, kind] of Object.entries(kinds)) {
    const latest = await orggraph
      .collection<Document & { _id: string; version: number; changedAt: Date }>(collection)
      .find({ changedAt: { $lt: new Date(Date.now() - FRESH_MS) } }, { projection: { version: 1 } })
      .sort({ changedAt: -1, _id: -1 })
      .limit(LATEST)
      .toArray();
    const keys = latest.map(({ _id }) => `${kind}:${_id}`);
    const known = new Map(
      (await copy.find({ _id: { $in: keys } }, { projection: { version: 1 } }).toArray()).map((one) => [
        one._id,
        one.version,
      ]),
    );
    looked += latest.length;
    behind.push(
      ...latest
        .map(({ _id, version }) => ({ key: `${kind}:${_id}`, version }))
        .filter(({ key, version }) => (known.get(key) ?? 0) < version)
        .map(({ key }) => key),
    );
  }
  if (behind.length > 0) return fail(check, `it has not heard of ${some(behind)}: does ${service} run?`);
  return ok(check, `it knows the latest ${looked} changes of the graph`);
}

/**
 * What needs the rules of a service to be judged: each service stands beside what runs, without being opened, and looks at what
 * it keeps.
 */
export function historyChecks(services: readonly Service[], installation: Installation, how: Thoroughness): Check[] {
  return services.flatMap(({ name, inspect }) =>
    inspect === undefined
      ? []
      : [
          {
            name: `histories of ${name}`,
            async look() {
              const run = await mkdtemp(join(tmpdir(), 'bandeng-doctor-'));
              try {
                return await inspect(asideEnvironment(installation, run), (house, running) =>
                  histories(house, running, how),
                );
              } finally {
                await rm(run, { recursive: true, force: true });
              }
            },
          },
        ],
  );
}

/** Sockets of its own, but the others where they are. */
function asideEnvironment({ environment }: Installation, run: string) {
  const addresses = keepers.map((name) => [`BANDENG_${name.toUpperCase()}_ADDRESS`, addressOf(name, environment)]);
  return { ...environment, ...Object.fromEntries(addresses), BANDENG_RUN: run, BANDENG_LOG_LEVEL: 'silent' };
}

async function histories(house: House, running: Running, how: Thoroughness): Promise<Finding[]> {
  const publishes = house.records.outbox.collections.length > 0;
  const looks = {
    ...(publishes ? { relay: () => backlog(house) } : {}),
    histories: () => states(house, how),
    ...(publishes ? { events: () => holes(house, running, how) } : {}),
  };
  const found: Finding[] = [];
  for (const [what, one] of Object.entries(looks)) {
    found.push(...(await look({ name: `${what} of ${house.name}`, look: async () => [await one()] })));
  }
  return found;
}

const LATE_SECONDS = 5;
const MUCH_TOO_LATE_SECONDS = 60;

async function backlog({ name, records }: House): Promise<Finding> {
  const check = `relay of ${name}`;
  const { documents, oldestSeconds } = await records.outbox.backlog();
  if (oldestSeconds < LATE_SECONDS) return ok(check, documents === 0 ? 'nothing waits' : `${documents} wait`);
  const says = `${documents} wait to be published, the oldest for ${Math.round(oldestSeconds)} s`;
  const why = `does ${name} run, and does NATS answer?`;
  return oldestSeconds < MUCH_TOO_LATE_SECONDS ? warn(check, says) : fail(check, `${says}: ${why}`);
}

async function states({ name, records }: House, { audited }: Thoroughness): Promise<Finding> {
  const check = `histories of ${name}`;
  const audits = [...(await records.audit(audited === undefined ? {} : { sample: audited })).values()];
  const documents = audits.reduce((sum, audit) => sum + audit.documents, 0);
  const faultCount = audits.reduce((sum, audit) => sum + audit.faultCount, 0);
  const scope = audited === undefined ? 'all' : 'a sample of';
  if (faultCount === 0) return ok(check, `${scope} ${documents} aggregates are what their histories say`);
  const faults = audits.flatMap((audit) =>
    audit.faults.map(({ collection, id, fault, detail }) => `${collection}/${id} ${fault} (${detail})`),
  );
  return fail(
    check,
    `of ${scope} ${documents} aggregates ${faultCount} contradict theirs: ${some(faults, faultCount)}`,
  );
}

async function holes(house: House, running: Running, { followed }: Thoroughness): Promise<Finding> {
  const { name, bus, city, records } = house;
  const check = `events of ${name}`;
  const { outbox } = records;
  for (let tries = 0; !bus.connected() && tries < 30; tries++) await new Promise((wake) => setTimeout(wake, 100));
  const { entries, missing, missingCount, doubled, faults } = await findHoles({
    service: name,
    bus,
    publishings: running.publications ?? [],
    city,
    published: followed === undefined ? outbox.published() : [await outbox.samplePublished(followed)],
    all: followed === undefined,
  });
  const scope = followed === undefined ? 'all' : 'a sample of';
  if (missingCount > 0) {
    const what = `${missingCount} of ${scope} ${entries} have no message in ${streamOf(name)}`;
    return fail(check, `${what} (${some(missing, missingCount)}): ./bandeng events rebuild ${name}`);
  }
  if (doubled.length > 0)
    return fail(check, `there are two messages of ${some(doubled)}: ./bandeng events rebuild ${name}`);
  if (faults.length > 0) return fail(check, `no event can be made of ${some(faults)}`);
  return ok(check, `${scope} ${entries} public entries have one message each`);
}
