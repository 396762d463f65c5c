import { join } from 'node:path';
import { type Environment, issuerOf, numberSetting, switchSetting, textSetting } from '@bandeng/service';
import type { Limits } from './limits.ts';
import type { WebAddress } from './proxy.ts';
import type { StreamLimits } from './sse.ts';

/** What the gateway can be told from outside. Durations in milliseconds, sizes in bytes. */
export interface Configuration {
  readonly host: string;
  readonly port: number;
  /** Address by which clients reach this gateway, without a slash at the end. */
  readonly publicUrl: string;
  /** How many proxies stand before it and set X-Forwarded-For; 0: none is believed. */
  readonly trustedHops: number;
  /** Origins whose pages may call it; none by default. */
  readonly origins: readonly string[];
  /** Undefined: nothing is limited. */
  readonly limits: Limits | undefined;
  /** Mean delay of the event loop above which new requests are answered 503; 0: never. */
  readonly mostDelayMs: number;
  readonly bodyBytes: number;
  /** What one request may take, up to its answer. */
  readonly budgetMs: number;
  /** What a file may take to come. */
  readonly uploadMs: number;
  /** Rows of a list that leave as one file at most. */
  readonly exportRows: number;
  /** How long it goes on answering after it was told to stop, telling clients to leave. */
  readonly drainMs: number;
  readonly streams: StreamLimits;
  readonly signIn: SignIn;
  readonly openapiFile: string;
}

/** Where people sign in: on pages of identity, which are passed through, or at the city's own issuer. */
export type SignIn = { readonly pagesAt: WebAddress } | { readonly issuer: string };

const count = { least: 1, most: 1_000_000 };
/** An address may be that of a proxy before everybody, and a token that of a busy system. */
const countOfMany = { least: 1, most: 100_000_000 };

export function configure(environment: Environment): Configuration {
  const number = (name: string, standard: number, bounds = count) => numberSetting(environment, name, standard, bounds);
  const port = number('BANDENG_PORT', 8080, { least: 0, most: 65_535 });
  const run = textSetting(environment, 'BANDENG_RUN', '.bandeng/run');
  const limits = {
    token: number('BANDENG_RATE_TOKEN', 6000, countOfMany),
    address: number('BANDENG_RATE_ADDRESS', 30_000, countOfMany),
    guestOrders: number('BANDENG_RATE_GUEST_ORDERS', 20),
    followCodes: number('BANDENG_RATE_FOLLOW_CODES', 20),
    signIns: number('BANDENG_RATE_SIGN_INS', 600),
  };
  const embedded = switchSetting(environment, 'BANDENG_EMBEDDED_PROVIDER', true);
  const pagesAt = textSetting(environment, 'BANDENG_IDENTITY_WEB', `unix:${join(run, 'identity-oidc.sock')}`);
  return {
    host: textSetting(environment, 'BANDENG_HOST', '127.0.0.1'),
    port,
    publicUrl: textSetting(environment, 'BANDENG_PUBLIC_URL', `http://localhost:${port}`).replace(/\/+$/, ''),
    trustedHops: number('BANDENG_TRUSTED_HOPS', 0, { least: 0, most: 10 }),
    origins: textSetting(environment, 'BANDENG_ORIGINS', '')
      .split(',')
      .map((origin) => origin.trim())
      .filter((origin) => origin !== ''),
    limits: switchSetting(environment, 'BANDENG_RATE_LIMIT', true) ? limits : undefined,
    mostDelayMs: number('BANDENG_MOST_DELAY_MS', 1000, { least: 0, most: 60_000 }),
    bodyBytes: 256 * 1024,
    budgetMs: number('BANDENG_BUDGET_MS', 5000, { least: 100, most: 60_000 }),
    // With the wait in line; a whole request may take 60 s to come.
    uploadMs: 50_000,
    exportRows: number('BANDENG_EXPORT_ROWS', 50_000, { least: 1, most: 1_000_000 }),
    // The process ends 20 s after SIGTERM, and requests that run may take 10 s of them.
    drainMs: number('BANDENG_DRAIN_MS', 0, { least: 0, most: 10_000 }),
    streams: {
      heartbeatMs: number('BANDENG_HEARTBEAT_MS', 15_000, { least: 50, most: 60_000 }),
      bufferBytes: 256 * 1024,
      patienceMs: 30_000,
      streams: number('BANDENG_STREAMS', 5000),
      streamsOfOne: 20,
    },
    signIn: embedded ? { pagesAt } : { issuer: issuerOf(environment) },
    openapiFile: textSetting(environment, 'BANDENG_OPENAPI', join(import.meta.dirname, '../../../proto/openapi.json')),
  };
}
