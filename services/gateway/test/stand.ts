/** A gateway before services that answer as a test says, over real gRPC on unix sockets. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rpcs, type ServiceName, services } from '@bandeng/contracts';
import { isRefused, refuse } from '@bandeng/decider';
import type { Bus } from '@bandeng/events';
import {
  type Call,
  type Caller,
  type Implementation,
  implement,
  type RefusalTable,
  rawClient,
  recordsRefusals,
  type Server,
  startServer,
  type Verifier,
} from '@bandeng/rpc';
import type { Logger } from '@bandeng/telemetry';
import { silentBus } from '@bandeng/testing/silent-bus';
import { type Configuration, configure } from '../src/config.ts';
import { buildGateway, type Gateway } from '../src/gateway.ts';

/** What a service answers to an RPC: a message in the codec's own form, or a refusal. */
export type Answers = Record<string, (request: never, call: Call) => unknown>;

export interface Stand extends AsyncDisposable {
  readonly gateway: Gateway;
  /** Lines of the log, as JSON. */
  readonly lines: string[];
  /** Calls as the services got them. */
  readonly calls: Call[];
  /** A token counts no more, though it has not expired. */
  end(token: string): void;
  stopService(service: ServiceName): Promise<void>;
  startService(service: ServiceName): Promise<void>;
}

const refusals = {
  'not-visible': { kind: 'missing', title: 'There is no such thing, or it is not visible' },
  'not-permitted': { kind: 'forbidden', title: 'This is not permitted' },
  'not-in-this-state': { kind: 'state', title: 'Not in this state' },
  ...recordsRefusals,
} as const satisfies RefusalTable<string>;

/** A token that says who it is; only this stand's verifier believes it. */
export function tokenOf(caller: Exclude<Caller, { kind: 'guest' }>, secondsLeft = 3600): string {
  const claims = { caller, exp: Math.floor(Date.now() / 1000) + secondsLeft };
  return `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${'s'.repeat(43)}`;
}

const verify: Verifier = async (token) => {
  try {
    const { caller, exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    return exp * 1000 < Date.now() ? { invalid: 'expired' } : caller;
  } catch {
    return { invalid: 'not a token of this system' };
  }
};

export async function openStand(
  options: { answers?: Answers; bus?: Bus; configuration?: Partial<Configuration>; folder?: string } = {},
): Promise<Stand> {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-'));
  writeFileSync(join(folder, 'openapi.json'), JSON.stringify({ openapi: '3.1.0', info: { title: 'x' }, paths: {} }));
  const lines: string[] = [];
  const calls: Call[] = [];
  const log = logInto(lines);
  const ended = new Set<string>();
  const counted: Verifier = async (token) => (ended.has(token) ? { invalid: 'ended' } : verify(token));
  const address = (service: ServiceName) => `unix:${join(folder, `${service}.sock`)}`;
  const servers = new Map<ServiceName, Server>();
  const startService = async (service: ServiceName) => {
    const implementations = [implementationOf(service, options.answers ?? {}, calls)];
    servers.set(service, await startServer({ address: address(service), implementations, verify, log, leaveTime: 0 }));
  };
  const names = Object.keys(services) as ServiceName[];
  await Promise.all(names.map(startService));
  const client = rawClient({ address, token: async () => tokenOf({ kind: 'service', name: 'gateway' }) });
  const environment = { BANDENG_RATE_LIMIT: 'off', BANDENG_OPENAPI: join(folder, 'openapi.json'), BANDENG_RUN: folder };
  const configuration = { ...configure(environment), mostDelayMs: 0, ...options.configuration };
  const gateway = await buildGateway(
    { services: client, verify: counted, bus: options.bus ?? silentBus, log },
    configuration,
  );
  const stopService = async (service: ServiceName) => servers.get(service)?.stop();
  return {
    gateway,
    lines,
    calls,
    end: (token) => void ended.add(token),
    stopService,
    startService,
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      client.close();
      await Promise.all(names.map(stopService));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function implementationOf(service: ServiceName, answers: Answers, calls: Call[]): Implementation {
  const handlers = rpcs
    .filter((rpc) => rpc.service === service)
    .map((rpc) => [
      rpc.method,
      async (request: never, call: Call) => {
        calls.push(call);
        const answer = answers[rpc.name]?.(request, call) ?? refuse('not-visible');
        return isRefused(answer) ? answer : rpc.response.fromPartial(Object(await answer));
      },
    ]);
  return implement(service, Object.fromEntries(handlers), refusals);
}

function logInto(lines: string[]): Logger {
  const write = (about: object, message: string) => {
    lines.push(JSON.stringify({ ...about, message }));
  };
  return { info: write, warn: write, error: write, debug: write };
}
