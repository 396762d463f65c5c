/** Identity's RPCs over its real database, without its provider: whoever calls says who they are. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rpcs } from '@bandeng/contracts';
import { type Posting, Territory } from '@bandeng/contracts/orggraph';
import { connectMongo } from '@bandeng/records';
import { type RawClient, RpcFailure, rawClient, serviceTokens, startServer } from '@bandeng/rpc';
import { addressOf, type House, visit } from '@bandeng/service';
import type { Parts } from '@bandeng/testing';
import { type Office, openOffice } from '../src/office.ts';
import { openRegistry } from '../src/registry.ts';
import { identityRpc } from '../src/rpc.ts';

export const administrator = '33333333-3333-8333-8333-333333333333';
export const resident = '44444444-4444-8444-8444-444444444444';
export const dispatcher = '55555555-5555-8555-8555-555555555555';
export const worker = '66666666-6666-8666-8666-666666666666';
/** A member who lives and is checked in nowhere near the others. */
export const stranger = '77777777-7777-8777-8777-777777777777';
/** Not a person: a system with scopes in the whole city. */
export const system = 'demo-system';

const community = '459901001001';
const compound = `${community}501`;
const grid = `${community}001`;
const elsewhere = '459901001002';

const territory = (id: string, kind: Territory['kind'], name: string, covers: string[] = []) =>
  Territory.fromPartial({ id, version: 1, name, validFrom: new Date(0), kind, covers });
export const posting = (id: string, person: string, role: Posting['role'], at: string): Posting => ({
  ...{ id, person, role, territory: at, version: 1, unit: '', validFrom: new Date(0), validUntil: undefined },
});

/** A client as a service: with its own token, made for the called one or for `shown`, and a person's beside it. */
export async function clientAs(service: string, environment: Parts['environment'], shown?: string): Promise<RawClient> {
  const file = join(environment.BANDENG_DATA ?? '', 'keys', `service-${service}.jwk`);
  const privateKey = JSON.parse(await readFile(file, 'utf8'));
  const tokens = serviceTokens({ service, privateKey });
  return rawClient({
    address: (other) => addressOf(other, environment),
    token: (called) => tokens(shown ?? called),
  });
}

/** The answer to a call of identity, or why it was refused. */
export async function call(client: RawClient, name: string, request: object, headers: object = {}): Promise<unknown> {
  const rpc = rpcs.find((each) => each.service === 'identity' && each.name === name);
  if (rpc === undefined) throw new Error(`no RPC ${name}`);
  try {
    return (await client.call(rpc, rpc.request.fromPartial(request), { headers })).message;
  } catch (error) {
    if (error instanceof RpcFailure) return { refused: error.problem.reason, status: error.problem.status };
    throw error;
  }
}

/** Everything in the database of identity, as text. */
export async function everythingIn(environment: Parts['environment']): Promise<string> {
  const mongo = await connectMongo(environment.MONGODB_URI ?? '');
  try {
    const database = mongo.db(`${environment.BANDENG_DATABASE_PREFIX}_identity`);
    const collections = await database.collections();
    return JSON.stringify(await Promise.all(collections.map((collection) => collection.find().toArray())));
  } finally {
    await mongo.close();
  }
}

/** The counter at which people ask identity. */
export interface Counter {
  readonly house: House;
  readonly office: Office;
  /** What the clock shows; later by what a test adds. */
  wait(milliseconds: number): void;
  /** Asks as this person. */
  ask(person: string, name: string, request: object, headers?: object): Promise<unknown>;
  /** As another service, on its own account; with the token that it shows to `shown`. */
  askAs(service: string, name: string, request: object, shown?: string): Promise<unknown>;
  /** Drops the database and leaves. */
  close(): Promise<void>;
}

/** Opens it with an empty database, and a directory in which a few people hold postings. */
export async function openCounter(given: Parts): Promise<Counter> {
  const opened = Promise.withResolvers<Counter>();
  const ended = Promise.withResolvers<void>();
  let later = 0;
  const left = visit('identity', given.environment, async (visited) => {
    const house = { ...visited, now: () => new Date(Date.now() + later) };
    const office = await openOffice(house, await openRegistry(house), { accessTokenSeconds: 900 });
    house.directory.learn({
      territories: [
        territory('4599', 'CITY', '贺州市'),
        territory('459901', 'DISTRICT', '八步区'),
        territory(community, 'COMMUNITY', '大修厂社区'),
        territory(compound, 'COMPOUND', '大修厂小区'),
        territory(grid, 'GRID', '第一网格', [compound]),
        territory(elsewhere, 'COMMUNITY', '别的社区'),
      ],
      postings: [
        posting('p1', administrator, 'ADMINISTRATOR', '4599'),
        posting('p2', resident, 'RESIDENT', compound),
        posting('p3', dispatcher, 'COMMUNITY_DISPATCHER', community),
        posting('p4', worker, 'GRID_WORKER', grid),
        posting('p5', stranger, 'MEMBER', elsewhere),
        // Working there opens nobody's contact to those who live there.
        posting('p6', stranger, 'VOLUNTEER', community),
      ],
    });
    const server = await startServer({
      address: addressOf('identity', given.environment),
      implementations: [identityRpc(office, async () => ({ keys: [] }))],
      // A token is the id of a person here, or of the one system; who signs tokens is tested elsewhere.
      verify: async (word) => {
        if (word.includes('.')) return house.verify(word);
        return word === system
          ? { kind: 'client', id: word, scopes: ['events', 'tickets.read'], territory: '4599' }
          : { kind: 'person', id: word };
      },
      log: house.log,
      leaveTime: 0,
    });
    const client = await clientAs('gateway', given.environment);
    opened.resolve({
      house,
      office,
      wait(milliseconds) {
        later += milliseconds;
      },
      ask: (person, name, request, headers = {}) =>
        call(client, name, request, { authorization: `Bearer ${person}`, ...headers }),
      async askAs(service, name, request, shown) {
        house.keys.pair(service);
        const neighbour = await clientAs(service, given.environment, shown);
        try {
          return await call(neighbour, name, request, {});
        } finally {
          neighbour.close();
        }
      },
      async close() {
        client.close();
        await server.stop();
        await house.database.dropDatabase();
        ended.resolve();
        await left;
      },
    });
    await ended.promise;
  });
  left.catch(opened.reject);
  return opened.promise;
}
