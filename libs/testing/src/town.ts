import { type CityPlan, demoClients, demoPassword, type PlannedRole } from '@bandeng/city';
import { startAll } from '@bandeng/deploy/all-in-one';
import { seedCity } from '@bandeng/deploy/seeding';
import { signIn, signInSystem } from '@bandeng/deploy/sign-in';
import { eventually } from './eventually.ts';
import { type Parts, parts } from './parts.ts';

/** What the gateway answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever the answer holds
  readonly body: any;
}

/** Somebody who calls the gateway. */
export interface Caller {
  readonly token: string | undefined;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Opens a stream of server-sent events; fails unless it is answered 200. */
  listen(path: string, headers?: Record<string, string>): Promise<Listener>;
}

/** A stream of server-sent events that is being heard. */
export interface Listener {
  /** What has come so far, oldest first. */
  readonly heard: readonly Heard[];
  close(): Promise<void>;
}

/** One server-sent event. */
export interface Heard {
  readonly id: string;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came
  readonly data: any;
}

/** A small city that runs: all services in this process, on real servers, behind the gateway. */
export interface Town extends AsyncDisposable {
  readonly plan: CityPlan;
  readonly parts: Parts;
  /** `http://127.0.0.1:<port>` */
  readonly address: string;
  /** The demo login of a role, signed in through the provider's own form; once for each role. */
  as(role: PlannedRole): Promise<Caller>;
  /** A demo client, signed in by its secret. */
  system(id: 'demo-system' | 'demo-import'): Promise<Caller>;
  /** Whoever sends this token, or none. */
  with(token: string | undefined): Caller;
  stop(): Promise<void>;
}

/** Starts a town at a fiftieth of a prefecture city's scale. */
export async function town(options: { scale?: number; environment?: Record<string, string> } = {}): Promise<Town> {
  const given = await parts();
  const environment = { ...given.environment, ...options.environment };
  const plan = await seedCity(environment, { scale: options.scale ?? 0.02, now: new Date() });
  if (plan === undefined) throw new Error('the database of a test is not empty');
  const running = await startAll(environment);
  const address = `http://127.0.0.1:${environment.BANDENG_PORT}`;
  const stop = async (): Promise<void> => {
    await running.stop();
    await given.dispose();
  };
  try {
    const ready = async (): Promise<void> => {
      if (!(await running.ready())) throw new Error('not every service is ready');
    };
    await eventually(ready, { within: 20_000 });
    const issuer = `${address}/oidc`;
    const signedIn = new Map<string, Promise<Caller>>();
    const once = (key: string, token: () => Promise<string>): Promise<Caller> => {
      const known = signedIn.get(key) ?? token().then((fresh) => callerWith(address, fresh));
      signedIn.set(key, known);
      return known;
    };
    return {
      plan,
      parts: given,
      address,
      as: (role) => once(role, () => signIn(issuer, role, demoPassword)),
      system: (id) =>
        once(id, () => signInSystem(issuer, id, demoClients.find((client) => client.id === id)?.secret ?? '')),
      with: (token) => callerWith(address, token),
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (fault) {
    await stop();
    throw fault;
  }
}

function callerWith(address: string, token: string | undefined): Caller {
  const call = async (
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string>,
  ): Promise<Answer> => {
    const answer = await fetch(address + path, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' || body instanceof Uint8Array ? new Blob([body]) : JSON.stringify(body) }),
    });
    const text = await answer.text();
    const json = answer.headers.get('content-type')?.includes('json') ?? false;
    return { status: answer.status, headers: answer.headers, body: json ? JSON.parse(text) : text };
  };
  return {
    token,
    get: (path, headers = {}) => call('GET', path, undefined, headers),
    post: (path, body = {}, headers = {}) => call('POST', path, body, headers),
    async listen(path, headers = {}) {
      const leave = new AbortController();
      const answer = await fetch(address + path, {
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          accept: 'text/event-stream',
          ...headers,
        },
        signal: leave.signal,
      });
      if (answer.status !== 200 || answer.body === null)
        throw new Error(`${path} answers ${answer.status}: ${await answer.text()}`);
      const heard: Heard[] = [];
      const listening = hear(answer.body, heard).catch(() => {}); // leaving ends it
      return {
        heard,
        async close() {
          leave.abort();
          await listening;
        },
      };
    },
  };
}

async function hear(stream: ReadableStream<Uint8Array>, heard: Heard[]): Promise<void> {
  const text = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    rest += text.decode(chunk, { stream: true });
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const lines = rest.slice(0, end).split('\n');
      rest = rest.slice(end + 2);
      const field = (name: string): string =>
        lines
          .filter((line) => line.startsWith(`${name}:`))
          .map((line) => line.slice(name.length + 1).trimStart())
          .join('\n');
      if (field('data') !== '') heard.push({ id: field('id'), event: field('event'), data: JSON.parse(field('data')) });
    }
  }
}
