import { existsSync, rmSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { services } from '@bandeng/contracts';
import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { type AnswerOptions, answerer } from './answer.ts';
import { freeYoung, keepStreamsOfServerApart } from './garbage.ts';
import { type Implementation, implementedRpcs } from './implementation.ts';
import { largestMessage } from './limits.ts';
import { failures } from './problems.ts';
import { addReflection } from './reflection.ts';
import { type Answer, takeUnaryCalls } from './unary-server.ts';

/** A server that answers. */
export interface Server {
  /** Where it listens: with port 0 the port that was taken. */
  readonly address: string;
  /** Ends gracefully: health says NOT_SERVING, running calls are finished, then what is left is cut off. */
  stop(): Promise<void>;
}

/** How a server is started. */
export interface ServerOptions extends AnswerOptions {
  /** `unix:<path>` or `<host>:<port>`. */
  address: string;
  implementations: readonly Implementation[];
  /** Whether health says SERVING; asked every second. Left out: always. */
  ready?: () => boolean | Promise<boolean>;
  /** With server reflection, for development. */
  reflection?: boolean;
  /** Calls that may run at the same time; more are refused with Retry-After. */
  maximumCalls?: number;
  /** Milliseconds between NOT_SERVING and the end of listening, in which callers go elsewhere. */
  leaveTime?: number;
  /** Milliseconds that running calls get to finish. */
  graceTime?: number;
}

const channelOptions = {
  'grpc.max_receive_message_length': largestMessage,
  'grpc.max_send_message_length': largestMessage,
  'grpc.max_concurrent_streams': 1_000,
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 10_000,
};

/** Connections over a network are renewed, so that new replicas get their share. */
const connectionAge = { 'grpc.max_connection_age_ms': 5 * 60_000, 'grpc.max_connection_age_grace_ms': 30_000 };

/** Starts a server. Every call of every implementation passes the same checks: tokens, access, headers, field rules. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { address, implementations, log, leaveTime = 100, graceTime = 10_000, maximumCalls = 1_000 } = options;
  freeYoung();
  const onSocket = address.startsWith('unix:');
  const server = new GrpcServer(onSocket ? channelOptions : { ...channelOptions, ...connectionAge });
  const health = new HealthImplementation({ '': 'NOT_SERVING' });
  const limiter = { running: 0, maximum: maximumCalls };
  takeUnaryCalls(server, answersOf(implementations, options, limiter));
  health.addToServer(server);
  if (options.reflection === true) addReflection(server);
  if (onSocket) await clearSocket(address.slice('unix:'.length));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  keepStreamsOfServerApart(server);

  const names = implementations.map(({ service }) => services[service].fullName);
  const stopWatching = watchHealth(health, ['', ...names], options.ready ?? (() => true));
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    stopWatching();
    await delay(leaveTime);
    await new Promise<void>((resolve) => {
      const late = setTimeout(() => {
        log.warn({ calls: limiter.running }, 'calls are cut off at shut-down');
        server.forceShutdown();
        resolve();
      }, graceTime);
      server.tryShutdown(() => {
        clearTimeout(late);
        resolve();
      });
    });
  };
  return {
    address: onSocket ? address : address.replace(/:\d+$/, `:${port}`),
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}

interface Limiter {
  running: number;
  readonly maximum: number;
}

function answersOf(
  implementations: readonly Implementation[],
  options: AnswerOptions,
  limiter: Limiter,
): ReadonlyMap<string, Answer> {
  const answers = implementations.flatMap(implementedRpcs).map((implemented): [string, Answer] => {
    const answer = answerer(implemented, options);
    const limited: Answer = async (call, done) => {
      if (limiter.running >= limiter.maximum) {
        done(failures.overloaded());
        return;
      }
      limiter.running++;
      try {
        await answer(call, done);
      } finally {
        limiter.running--;
      }
    };
    return [implemented.rpc.path, limited];
  });
  return new Map(answers);
}

function watchHealth(
  health: HealthImplementation,
  names: readonly string[],
  ready: () => boolean | Promise<boolean>,
): () => void {
  let watching = true;
  const say = (serving: boolean) => {
    for (const name of names) health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
  };
  const look = async () => {
    const serving = await Promise.resolve()
      .then(ready)
      .catch(() => false);
    if (watching) say(serving);
  };
  void look();
  const timer = setInterval(look, 1_000).unref();
  return () => {
    watching = false;
    clearInterval(timer);
    say(false);
  };
}

/** Removes the socket that a killed process left behind; one that answers belongs to somebody. */
async function clearSocket(path: string): Promise<void> {
  if (!existsSync(path)) return;
  const taken = await new Promise<boolean>((resolve) => {
    const probe = connectSocket(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
  if (taken) throw new Error(`the socket ${path} is in use by another process`);
  rmSync(path, { force: true });
}
