import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CityPlan, demoPassword } from '@bandeng/city';
import { freePort } from '@bandeng/deploy';
import { type Child, startChild } from '@bandeng/deploy/child';
import { seedCity } from '@bandeng/deploy/seeding';
import { signIn } from '@bandeng/deploy/sign-in';
import { parts as borrow, eventually, type Parts } from '@bandeng/testing';
import { MongoClient } from 'mongodb';
import { type Ledger, openLedger } from './ledger.ts';

const root = join(import.meta.dirname, '../..');

/** The services of which there are two. */
const replicated = ['tickets', 'notifications'] as const;

/** A replica of tickets and notifications: a process that may be stopped and resumed. */
export interface Replica {
  start(more?: Record<string, string>): Promise<void>;
  /** SIGSTOP and SIGCONT: it keeps its connections, and does not know how long it stood still. */
  freeze(): void;
  thaw(): void;
  isFrozen(): boolean;
  /** SIGTERM, and the end of it. */
  stop(): Promise<void>;
  /** Whether it holds the leases of both services. */
  leads(): Promise<boolean>;
}

/** A city whose tickets and notifications run twice, on the same databases. */
export interface ReplicatedCity extends AsyncDisposable {
  readonly parts: Parts;
  readonly plan: CityPlan;
  readonly ledger: Ledger;
  readonly address: string;
  readonly replicas: readonly [Replica, Replica];
  /** Waits until every service answers. */
  ready(): Promise<void>;
  token(login: string): Promise<string>;
  /** How often the lease of a service has been taken. */
  terms(service: (typeof replicated)[number]): Promise<number>;
}

/** Makes it, and starts all but the replicas. */
export async function replicatedCity(): Promise<ReplicatedCity> {
  const parts = await borrow();
  const environment: Record<string, string> = { ...parts.environment, BANDENG_RATE_LIMIT: 'off' };
  const plan = await seedCity(environment, { scale: 0.02, now: new Date() });
  if (plan === undefined) throw new Error('the demo city was not made');
  const mongo = await MongoClient.connect(parts.mongodbUri);
  const children: Child[] = [];
  const run = (name: string, services: readonly string[], more: Record<string, string>): Child => {
    const child = startChild({
      command: process.execPath,
      arguments: ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'some-services.ts'), ...services],
      log: join(parts.directory, `${name}.log`),
      environment: { ...environment, ...more },
      workingDirectory: root,
    });
    children.push(child);
    return child;
  };
  const hosts = await Promise.all(
    ['a', 'b'].map(async (name) => ({
      name,
      hosts: { tickets: `127.0.0.1:${await freePort()}`, notifications: `127.0.0.1:${await freePort()}` },
    })),
  );
  const variable = (service: string): string => `BANDENG_${service.toUpperCase()}_ADDRESS`;
  run(
    'rest',
    ['orggraph', 'identity', 'gateway'],
    Object.fromEntries(
      replicated.map((service) => [variable(service), `ipv4:${hosts.map((one) => one.hosts[service]).join(',')}`]),
    ),
  );
  const leaseOf = (service: string) =>
    mongo
      .db(`${parts.databasePrefix}_${service}`)
      .collection<{ _id: string; holder: string; token: number; until: Date }>('leases')
      .findOne({ _id: 'service' });

  const replicaOf = ({ name, hosts: own }: (typeof hosts)[number]): Replica => {
    let child: Child | undefined;
    const pid = (): number => {
      if (child === undefined) throw new Error(`replica ${name} does not run`);
      return child.pid;
    };
    return {
      async start(more = {}) {
        child = run(name, replicated, {
          ...Object.fromEntries(replicated.map((service) => [variable(service), own[service]])),
          ...more,
        });
      },
      freeze: () => void process.kill(pid(), 'SIGSTOP'),
      thaw: () => void process.kill(pid(), 'SIGCONT'),
      isFrozen: () => /^.*\) T /.test(readFileSync(`/proc/${pid()}/stat`, 'utf8')),
      stop: async () => child?.stop(20_000),
      async leads() {
        const leases = await Promise.all(replicated.map(leaseOf));
        return leases.every((lease) => lease?.holder.startsWith(`${pid()}-`) && lease.until.getTime() > Date.now());
      },
    };
  };
  const [first, second] = hosts.map(replicaOf);
  if (first === undefined || second === undefined) throw new Error('there are two');
  const address = `http://127.0.0.1:${environment.BANDENG_PORT}`;
  return {
    parts,
    plan,
    ledger: openLedger(join(parts.directory, 'ledger.jsonl')),
    address,
    replicas: [first, second],
    async ready() {
      const answered = async (): Promise<void> => {
        const answer = await fetch(`${address}/readyz`);
        if (!answer.ok) throw new Error(await answer.text());
      };
      await eventually(answered, { within: 60_000 });
    },
    token: (login) => signIn(`${address}/oidc`, login, demoPassword),
    terms: async (service) => (await leaseOf(service))?.token ?? 0,
    async [Symbol.asyncDispose]() {
      for (const child of children) if (child.alive()) process.kill(child.pid, 'SIGCONT');
      await Promise.all(children.map((child) => child.stop(10_000)));
      await mongo.close();
      await parts.dispose();
    },
  };
}
