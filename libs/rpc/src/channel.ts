/**
 * The way to a service: connections to all its addresses, used in turn. For unary calls between services, and for nothing else:
 * that is why it takes a third of the time of the client of grpc-js (docs/decisions/0012).
 */
import { lookup } from 'node:dns/promises';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect as connectSocket, isIPv6, type NetConnectOpts } from 'node:net';
import { status } from '@grpc/grpc-js';
import { freeYoung, keepStreamsApart } from './garbage.ts';
import { type CallHeaders, type Ending, unary } from './unary.ts';

/** One call. */
export interface Asked {
  readonly path: string;
  readonly headers: CallHeaders;
  readonly message: Uint8Array;
  /** Milliseconds since 1970. */
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
}

/** The way to one service, for all calls to it. */
export interface Channel {
  /** Makes a call; always resolves. */
  ask(asked: Asked): Promise<Ending>;
  close(): void;
}

/** After a connection failed the next one to the same address waits so many milliseconds, then longer, then the most. */
const backoff = { first: 100, factor: 1.6, most: 1_000 };
/** While calls run the other side is pinged so often, and given up when it is silent for so long. */
const keepalive = { every: 20_000, patience: 10_000 };
/** Milliseconds in which a connection has to stand. */
const connectPatience = 5_000;
/** Names are asked for again after this; sooner when a connection has ended, but not more often than the second. */
const nameAge = { sound: 30_000, lost: 1_000 };
/** What may be under way to us before we have read it: files, side by side. */
const window = { stream: 1024 * 1024, connection: 16 * 1024 * 1024 };
/** Megabytes that may wait on a connection: Node's ten are one file, and would end the call of the next. */
const maxSessionMemory = 1_000;

/**
 * Opens the way to `unix:<path>`, `<host>:<port>` (or `dns:///…`), or `ipv4:<address>:<port>,…` (or `ipv6:…`). Connected at the first
 * call, and again for ever.
 */
export function openChannel(address: string): Channel {
  freeYoung();
  const target = targetOf(address);
  let links = target.host === undefined ? target.places.map((place) => openLink(place)) : [];
  let turn = 0;
  let closed = false;
  let namedAt = Number.NEGATIVE_INFINITY;
  let naming: Promise<void> | undefined;

  /** Brings the links in accord with the addresses that the name has now. Those that have gone are used no more. */
  async function name({ host, port }: { host: string; port: number }): Promise<void> {
    const found = await lookup(host, { all: true });
    namedAt = performance.now();
    const known = new Map(links.map((link) => [link.address, link]));
    const authority = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
    const next = found.map(
      ({ address }) => known.get(address) ?? openLink({ where: { host: address, port }, authority }, address),
    );
    for (const link of links) if (!next.includes(link)) link.close();
    links = next;
  }

  function nameAgain(): Promise<void> | undefined {
    if (target.host === undefined) return undefined;
    naming ??= name(target)
      .catch(() => {}) // the addresses of before are as good as any
      .finally(() => {
        naming = undefined;
      });
    return naming;
  }

  function isOld(): boolean {
    return performance.now() - namedAt > (links.some((link) => link.lost) ? nameAge.lost : nameAge.sound);
  }

  /** A connection that is open, the next in turn; else the first that opens. Undefined: none can be opened now. */
  async function connected(): Promise<Connection | undefined> {
    if (links.length === 0 || links.some((link) => link.lost)) await nameAgain();
    const opening = links.flatMap((link) => link.open() ?? []);
    return Promise.any(opening).catch(() => undefined);
  }

  function readyNow(): Connection | undefined {
    for (let tried = 0; tried < links.length; tried++) {
      turn = (turn + 1) % links.length;
      const link = links[turn];
      const connection = link?.connection;
      if (connection !== undefined) return connection;
      link?.open()?.catch(() => {}); // for the next call
    }
    return undefined;
  }

  async function ask(asked: Asked): Promise<Ending> {
    // What was certainly not seen is sent another way: a server that stops says so in the middle of what is being sent.
    for (let tries = 1; ; tries++) {
      if (closed) return { code: status.UNAVAILABLE };
      if (target.host !== undefined && isOld()) void nameAgain();
      const connection = readyNow() ?? (await inTime(connected(), asked.deadline));
      if (connection === undefined) return { code: status.UNAVAILABLE };
      if (connection === 'late') return { code: status.DEADLINE_EXCEEDED };
      const ending = await connection.ask(asked);
      if (ending.unseen !== true || tries === 3) return ending;
    }
  }

  return {
    ask,
    close() {
      closed = true;
      for (const link of links) link.close();
    },
  };
}

/** Places that are said, or a name to be asked for. */
type Target =
  | { readonly places: readonly Place[]; readonly host?: undefined }
  | { readonly host: string; readonly port: number };

interface Place {
  readonly where: NetConnectOpts;
  readonly authority: string;
}

function targetOf(address: string): Target {
  if (address.startsWith('unix:')) {
    const path = address.slice('unix:'.length).replace(/^\/\/(?=\/)/, '');
    return { places: [{ where: { path }, authority: 'localhost' }] };
  }
  if (/^ipv[46]:/.test(address)) {
    const places = address
      .slice('ipv4:'.length)
      .split(',')
      .map((text) => ({ where: hostAndPort(text, address), authority: text }));
    return { places };
  }
  return hostAndPort(address.replace(/^dns:(?:\/\/[^/]*\/)?/, ''), address);
}

function hostAndPort(text: string, address: string): { host: string; port: number } {
  const parts = /^(?:\[([^\]]+)\]|([^:/]+)):(\d+)$/.exec(text);
  const host = parts?.[1] ?? parts?.[2];
  if (host === undefined) {
    throw new TypeError(`'${address}' is no address: unix:<path>, <host>:<port> or ipv4:<address>:<port>,…`);
  }
  return { host, port: Number(parts?.[3]) };
}

async function inTime<Thing>(promise: Promise<Thing>, deadline: number): Promise<Thing | 'late'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, deadline - Date.now(), 'late');
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** One address, connected or not. */
interface Link {
  readonly address: string;
  readonly connection: Connection | undefined;
  /** Its connection has ended or could not be opened. */
  readonly lost: boolean;
  /** The connection that is being opened; undefined while it is too early to try again. */
  open(): Promise<Connection> | undefined;
  close(): void;
}

function openLink({ where, authority }: Place, address = ''): Link {
  let connection: Connection | undefined;
  let opening: Promise<Connection> | undefined;
  let lost = false;
  let pause = 0;
  let notBefore = 0;
  let closed = false;

  function open(): Promise<Connection> | undefined {
    if (connection !== undefined) return Promise.resolve(connection);
    if (opening !== undefined) return opening;
    if (closed || performance.now() < notBefore) return undefined;
    const gone = (): void => {
      connection = undefined;
      lost = true;
    };
    opening = openConnection(where, authority, gone).then(
      (opened) => {
        opening = undefined;
        if (closed) opened.close();
        else connection = opened;
        lost = false;
        pause = 0;
        return opened;
      },
      (fault: unknown) => {
        opening = undefined;
        lost = true;
        pause = pause === 0 ? backoff.first : Math.min(pause * backoff.factor, backoff.most);
        notBefore = performance.now() + pause;
        throw fault;
      },
    );
    return opening;
  }

  return {
    address,
    get connection() {
      return connection;
    },
    get lost() {
      return lost;
    },
    open,
    close() {
      closed = true;
      connection?.close();
      connection = undefined;
    },
  };
}

interface Connection {
  ask(asked: Asked): Promise<Ending>;
  /** Ends it when what runs has ended. */
  close(): void;
}

/** @param gone Called once, when nothing new can be sent here: it broke, or its other side announced its end. */
function openConnection(where: NetConnectOpts, authority: string, gone: () => void): Promise<Connection> {
  const { promise, resolve, reject } = Promise.withResolvers<Connection>();
  const session = connectHttp2(`http://${authority}`, {
    createConnection: () => connectSocket(where).setNoDelay(true),
    settings: { enablePush: false, initialWindowSize: window.stream },
    maxSessionMemory,
  });
  keepStreamsApart(session);
  let calls = 0;
  const stopPinging = pingWhile(session, () => calls > 0);
  session.unref(); // a call that runs keeps the process alive by its deadline
  const late = setTimeout(() => session.destroy(), connectPatience).unref();
  session.on('error', reject);
  const goneOnce = once(gone);
  session.on('goaway', goneOnce);
  session.on('close', () => {
    stopPinging();
    clearTimeout(late);
    goneOnce();
    reject(new Error('the connection was closed before it stood'));
  });
  session.on('connect', () => {
    clearTimeout(late);
    session.setLocalWindowSize(window.connection);
    resolve({ ask, close: () => session.close() });
  });

  function ask(asked: Asked): Promise<Ending> {
    const { signal } = asked;
    if (signal?.aborted === true) return Promise.resolve({ code: status.CANCELLED });
    // Between its end and the news of it: a request would throw.
    if (session.destroyed || session.closed) return Promise.resolve({ code: status.UNAVAILABLE, unseen: true });
    return new Promise((end) => {
      let giveUp: (() => void) | undefined;
      const call = unary(session, authority, asked, (ending) => {
        calls--;
        if (giveUp !== undefined) signal?.removeEventListener('abort', giveUp);
        end(ending);
      });
      calls++;
      if (signal === undefined) return;
      giveUp = () => call.cancel(status.CANCELLED);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  return promise;
}

/** The other side announces its end before it comes; meanwhile there may be a new connection. */
function once(tell: () => void): () => void {
  let told = false;
  return () => {
    if (!told) tell();
    told = true;
  };
}

/** Gives a session up whose other side is silent: a broken network tells nobody. */
function pingWhile(session: ClientHttp2Session, busy: () => boolean): () => void {
  const timer = setInterval(() => {
    if (!busy()) return;
    const silent = setTimeout(() => session.destroy(), keepalive.patience).unref();
    try {
      session.ping(() => clearTimeout(silent));
    } catch {
      clearTimeout(silent); // it has ended meanwhile
    }
  }, keepalive.every).unref();
  return () => clearInterval(timer);
}
