import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { demoPassword } from '@bandeng/city';
import { freePort, type ServiceProcess as Name, startingOrder } from '@bandeng/deploy';
import { type Child, startChild } from '@bandeng/deploy/child';
import { signIn } from '@bandeng/deploy/sign-in';
import { rawClient } from '@bandeng/rpc';
import { parts as borrow, eventually, type Parts } from '@bandeng/testing';
import { MongoClient } from 'mongodb';
import { untilReady } from './city.ts';
import { balanced, type Gateways } from './gateways.ts';
import { breakGround, type Ground, root } from './ground.ts';
import type { Street } from './load.ts';

/** One of several processes that run a service, or some, each at addresses of its own. */
export interface Replica {
  /** Its services and its number, for the eye. */
  readonly name: string;
  start(more?: Record<string, string>): void;
  /** Waits until all in it answer that they are ready. */
  ready(): Promise<void>;
  /** SIGTERM; answers the exit code when it is gone. It is killed when it takes longer than it may. */
  stop(): Promise<number | null>;
  /** SIGSTOP and SIGCONT: it keeps its connections, and does not know how long it stood still. */
  freeze(): void;
  thaw(): void;
  isFrozen(): boolean;
  /** Whether it holds the leases of all its services. */
  leads(): Promise<boolean>;
}

/** A city whose services run in several processes, on the same databases. */
export interface ReplicatedCity extends Ground<Parts>, AsyncDisposable {
  readonly replicas: readonly Replica[];
  /** Waits until every service answers. */
  ready(): Promise<void>;
  street(): Promise<Street>;
  /** How often the lease of a service has been taken. */
  terms(service: Name): Promise<number>;
}

const STOP_WITHIN = 25_000;

/**
 * Makes it; each process has the services that stand in its list. Of a service that stands in several there are replicas: its
 * neighbours reach them in turn, and of several gateways the load uses those that say they are ready. Nothing runs yet.
 */
export async function replicatedCity(processes: readonly (readonly Name[])[]): Promise<ReplicatedCity> {
  const ground = await breakGround(await borrow());
  const { parts, plan, ledger, environment } = ground;
  const places = await placesFor(processes);
  const mongo = await MongoClient.connect(parts.mongodbUri);
  const gatewaysAt = places.flatMap((place) => place.get('gateway') ?? []);
  const shared = { BANDENG_DRAIN_MS: gatewaysAt.length > 1 ? '1000' : '0', BANDENG_ISSUER: `${gatewaysAt[0]}/oidc` };
  const leaseOf = (service: string) =>
    mongo
      .db(`${parts.databasePrefix}_${service}`)
      .collection<{ _id: string; holder: string; token: number; until: Date }>('leases')
      .findOne({ _id: 'service' });
  const children: Child[] = [];
  const open: Gateways[] = [];

  const replicas = processes.map((own, index): Replica => {
    const name = `${own.join('+')}-${index}`;
    const kept = own.filter((service) => service !== 'gateway');
    let child: Child | undefined;
    const running = (): Child => {
      if (child === undefined) throw new Error(`${name} does not run`);
      return child;
    };
    return {
      name,
      start(more = {}) {
        child = startChild({
          command: process.execPath,
          arguments: ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'some-services.ts'), ...own],
          log: join(parts.directory, `${name}.log`),
          environment: { ...environment, ...shared, ...addressesFor(index, places, parts.directory), ...more },
          workingDirectory: root,
        });
        children.push(child);
      },
      ready: () => readyAt(places[index]),
      async stop() {
        const { ended, pid, kill } = running();
        process.kill(pid, 'SIGTERM');
        const late = setTimeout(kill, STOP_WITHIN);
        const { code } = await ended;
        clearTimeout(late);
        return code;
      },
      freeze: () => void process.kill(running().pid, 'SIGSTOP'),
      thaw: () => void process.kill(running().pid, 'SIGCONT'),
      isFrozen: () => /^.*\) T /.test(readFileSync(`/proc/${running().pid}/stat`, 'utf8')),
      async leads() {
        const leases = await Promise.all(kept.map(leaseOf));
        const mine = `${running().pid}-`;
        return leases.every((lease) => lease?.holder.startsWith(mine) && lease.until.getTime() > Date.now());
      },
    };
  });

  return {
    ...ground,
    replicas,
    async ready() {
      for (const address of gatewaysAt) await untilReady(address);
    },
    async street() {
      const gateways = balanced(gatewaysAt);
      open.push(gateways);
      const token = await signIn(`${gatewaysAt[0]}/oidc`, 'resident', demoPassword);
      while (gateways.next() === undefined) await pause(20);
      return { gateways, plan, ledger, token };
    },
    terms: async (service) => (await leaseOf(service))?.token ?? 0,
    async [Symbol.asyncDispose]() {
      for (const gateways of open) await gateways.close();
      for (const child of children) if (child.alive()) process.kill(child.pid, 'SIGCONT');
      await Promise.all(children.map((child) => child.stop(10_000)));
      await mongo.close();
      await parts.dispose();
    },
  };
}

/** Where the services of one process listen: of the gateway the URL, of the others `host:port`. */
type Places = ReadonlyMap<Name, string>;

async function placesFor(processes: readonly (readonly Name[])[]): Promise<Places[]> {
  const taken = new Set<number>();
  const port = async (): Promise<number> => {
    for (;;) {
      const free = await freePort();
      if (!taken.has(free)) return taken.add(free) && free;
    }
  };
  const places: Places[] = [];
  for (const own of processes) {
    const at = new Map<Name, string>();
    for (const service of own) at.set(service, `${service === 'gateway' ? 'http://' : ''}127.0.0.1:${await port()}`);
    places.push(at);
  }
  return places;
}

/** What a process is told of addresses: its own to listen at, and all those of its neighbours. */
function addressesFor(index: number, places: readonly Places[], directory: string): Record<string, string> {
  const own = places[index];
  const addresses = startingOrder
    .filter((service) => service !== 'gateway')
    .map((service) => {
      const all = places.flatMap((place) => place.get(service) ?? []);
      return [`BANDENG_${service.toUpperCase()}_ADDRESS`, own?.get(service) ?? `ipv4:${all.join(',')}`] as const;
    });
  // Sign-in pages are no matter of these runs: each gateway shows those of one identity.
  const identities = places.flatMap((place, number) => (place.has('identity') ? [number] : []));
  const gateways = places.flatMap((place, number) => (place.has('gateway') ? [number] : []));
  const behind = own?.has('identity') ? index : identities[gateways.indexOf(index) % identities.length];
  return {
    ...Object.fromEntries(addresses),
    BANDENG_IDENTITY_WEB: `unix:${join(directory, 'run', `identity-oidc-${behind ?? 0}.sock`)}`,
    ...(own?.has('gateway') ? { BANDENG_PORT: new URL(own.get('gateway') ?? '').port } : {}),
  };
}

async function readyAt(places: Places | undefined): Promise<void> {
  for (const [service, address] of places ?? []) {
    if (service === 'gateway') {
      await untilReady(address);
      continue;
    }
    const client = rawClient({ address: () => address, token: async () => '' });
    const serving = async (): Promise<boolean> => (await client.health(service)) === 'serving';
    await eventually(serving, { within: 60_000 }).finally(() => client.close());
  }
}
