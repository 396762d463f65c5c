import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort } from '@bandeng/deploy';
import { type Answer, type Lender, linesOf, openLender } from './lender.ts';
import type { Share } from './pair.ts';

/** Names the lender's socket for the workers. */
export const LENDER_VARIABLE = 'BANDENG_TEST_LENDER';

/** Real servers for one test or one test file, shared with nobody as far as the test can see. */
export interface Parts extends AsyncDisposable {
  readonly mongodbUri: string;
  /** With the user of an account of its own: streams of others cannot be seen. */
  readonly natsUrl: string;
  /** Databases are called `<prefix>_<service>`; those are dropped on dispose. */
  readonly databasePrefix: string;
  /** All variables that services read, complete: nothing of `process.env` is in it. */
  readonly environment: Record<string, string>;
  /** A directory that is removed on dispose. */
  readonly directory: string;
  /** Ends the loan: databases, streams and the directory are gone when it resolves. Stop your services before. */
  dispose(): Promise<void>;
}

/**
 * A mongod (replica set of one) and a nats-server (JetStream) on loopback, with an account and a database prefix of
 * your own. The servers are started by the first call and shared within a vitest worker. Use it as
 * `await using parts = await parts()` or call `dispose`.
 */
export async function parts(): Promise<Parts> {
  const lender = process.env[LENDER_VARIABLE] ?? (await ownLender()).socket;
  return partsOf(...(await borrow(lender)));
}

/** The parts of a share; `giveBack` ends it. */
export async function partsOf(share: Share, giveBack: () => Promise<void>): Promise<Parts> {
  const { mongodbUri, natsUrl, databasePrefix, directory } = share;
  const run = join(directory, 'run');
  const data = join(directory, 'data');
  mkdirSync(run);
  mkdirSync(data);
  let given: Promise<void> | undefined;
  const dispose = (): Promise<void> => {
    given ??= giveBack();
    return given;
  };
  return {
    mongodbUri,
    natsUrl,
    databasePrefix,
    directory,
    environment: {
      PATH: process.env.PATH ?? '',
      NODE_ENV: 'test',
      MONGODB_URI: mongodbUri,
      NATS_URL: natsUrl,
      BANDENG_DATABASE_PREFIX: databasePrefix,
      BANDENG_DATA: data,
      BANDENG_RUN: run,
      BANDENG_PORT: String(await freePort()),
      BANDENG_CITY: '4599',
      BANDENG_LOG_LEVEL: process.env.BANDENG_LOG_LEVEL ?? 'error',
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

/** Asks the lender for a share; the second value gives it back. */
async function borrow(path: string): Promise<[Share, () => Promise<void>]> {
  const socket = connect(path);
  const lines = linesOf(socket)[Symbol.asyncIterator]();
  const ask = async (line: string): Promise<Answer> => {
    socket.ref();
    socket.write(`${line}\n`);
    const answer = await lines.next();
    socket.unref(); // a loan that nobody gives back must not keep its process alive
    if (answer.done) throw new Error('the lender of test servers has ended');
    return JSON.parse(answer.value);
  };
  const first = await ask(`pool ${process.env.VITEST_POOL_ID ?? 1}`);
  if (!('share' in first)) throw new Error('failed' in first ? first.failed : 'the lender gave no share');
  const giveBack = async (): Promise<void> => {
    const last = await ask('return');
    socket.destroy();
    borrowed -= 1;
    if (borrowed === 0) await closeOwnLender();
    if ('failed' in last) throw new Error(last.failed);
  };
  borrowed += 1;
  return [first.share, giveBack];
}

// Outside vitest (a script, a bench) the process lends to itself, until the last share is given back.
let borrowed = 0;
let own: Promise<Lender> | undefined;

function ownLender(): Promise<Lender> {
  own ??= openLender();
  return own;
}

async function closeOwnLender(): Promise<void> {
  const closing = own;
  own = undefined;
  await (await closing)?.close();
}
