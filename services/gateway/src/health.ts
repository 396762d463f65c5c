/** Whether this process lives, and whether what it stands on is ready. */
import { rpcs, type ServiceName, services } from '@bandeng/contracts';
import { ListChannelsResponse } from '@bandeng/contracts/notifications';
import type { Bus } from '@bandeng/events';
import type { RawClient, ServiceHealth } from '@bandeng/rpc';
import type { FastifyInstance } from 'fastify';

/** How the whole is. */
export interface Readiness {
  readonly ready: boolean;
  readonly services: Readonly<Record<string, ServiceHealth>>;
  /** Reported only: without it everything goes on, and events arrive later. */
  readonly nats: 'connected' | 'away';
  /**
   * Reported only: `off` where no mail server is configured, a fault such as `server-away` when it took nothing the last time,
   * `untried` before the first letter, `unknown` when nobody tells.
   */
  readonly email: string;
}

const names = Object.keys(services).filter((name): name is ServiceName => Object.hasOwn(services, name));
/** Probes of several kinds come every few seconds; the services are asked once a second at most, more often while they come up. */
const freshMs = { ready: 1_000, unready: 100 };

/** Asks the services, each of which answers for its MongoDB and its directory. */
export function readiness(client: RawClient, bus: Bus): () => Promise<Readiness> {
  let asked: Promise<Readiness> | undefined;
  let until = 0;
  const ask = async (): Promise<Readiness> => {
    const [email, ...all] = await Promise.all([
      emailOf(client),
      ...names.map(async (name) => [name, await healthOf(client, name)] as const),
    ]);
    const nats = bus.connected() ? 'connected' : 'away';
    const ready = all.every(([, health]) => health === 'serving');
    until = performance.now() + (ready ? freshMs.ready : freshMs.unready);
    return { ready, services: Object.fromEntries(all), nats, email };
  };
  return () => {
    if (asked === undefined || performance.now() > until) {
      until = Number.POSITIVE_INFINITY; // until the answer is there
      asked = ask();
    }
    return asked;
  };
}

/** One replica of several that leaves says that it does not serve; the next one in turn is asked before the service is said not to. */
async function healthOf(client: RawClient, service: ServiceName): Promise<ServiceHealth> {
  const first = await client.health(service);
  return first === 'serving' ? first : client.health(service);
}

const listChannels = rpcs.find(({ service, name }) => service === 'notifications' && name === 'ListChannels');

async function emailOf(client: RawClient): Promise<string> {
  if (listChannels === undefined) return 'unknown';
  try {
    const { message } = await client.call(listChannels, {}, { timeoutMs: 500 });
    const email = ListChannelsResponse.fromPartial(Object(message)).channels.find(({ channel }) => channel === 'EMAIL');
    if (email === undefined) return 'off';
    return email.triedAt === undefined ? 'untried' : email.fault || 'works';
  } catch {
    return 'unknown';
  }
}

export function probe(app: FastifyInstance, ready: () => Promise<Readiness>, draining: () => boolean): void {
  const open = { logLevel: 'silent', config: { probe: true } } as const;
  app.get('/livez', open, (_request, reply) => reply.header('cache-control', 'no-store').send({ alive: true }));
  app.get('/readyz', open, async (_request, reply) => {
    const state = await ready();
    const usable = state.ready && !draining();
    return reply
      .code(usable ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({ ...state, ready: usable });
  });
}
