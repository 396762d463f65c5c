import { rmSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { type Pair, type Share, startPair } from './pair.ts';

/**
 * Lends shares of pairs over a unix socket: it lives in vitest's main process, so that pairs outlive the workers that
 * vitest starts anew for every file, and are started only when the first test asks.
 */
export interface Lender {
  /** The path of the socket. A connection is a loan: it ends when the connection does, also when its worker died. */
  readonly socket: string;
  close(): Promise<void>;
}

/** What the borrower reads, a line of JSON each. */
export type Answer = { share: Share } | { failed: string } | { returned: true };

/**
 * Opens a lender in a directory of its own, after those that killed runs left behind are removed. It is closed by whoever
 * opened it.
 */
export async function openLender(): Promise<Lender> {
  await removeLeftovers();
  const root = await mkdtemp(join(tmpdir(), `bandeng-test-${process.pid}-`));
  const removeRoot = (): void => rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  process.once('exit', removeRoot);

  const pairs = new Map<number, Promise<Pair>>();
  const pairOf = (pool: number): Promise<Pair> => {
    const started = pairs.get(pool) ?? startPair(join(root, `pair-${pool}`));
    pairs.set(pool, started);
    return started;
  };
  const loans = new Set<Promise<void>>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const loan = serve(socket, pairOf).finally(() => {
      loans.delete(loan);
      sockets.delete(socket);
    });
    loans.add(loan);
  });
  const socket = join(root, 'lender.sock');
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(socket, resolve));

  return {
    socket,
    async close() {
      server.close();
      for (const open of sockets) open.destroy();
      await Promise.allSettled(loans);
      const started = await Promise.allSettled(pairs.values());
      await Promise.all(started.map((pair) => (pair.status === 'fulfilled' ? pair.value.close() : undefined)));
      removeRoot();
      process.off('exit', removeRoot);
    },
  };
}

/** The lines of a socket, which end when it ends and also when it breaks (readline alone would wait for ever). */
export function linesOf(socket: Socket): Interface {
  const lines = createInterface({ input: socket });
  socket.once('close', () => lines.close());
  socket.on('error', () => undefined); // said by `close`
  return lines;
}

/** The first line asks (`pool <n>`), the second returns; the end of the connection returns as well. */
async function serve(socket: Socket, pairOf: (pool: number) => Promise<Pair>): Promise<void> {
  const answer = (line: Answer): void => void (socket.writable && socket.write(`${JSON.stringify(line)}\n`));
  let borrowed: { pair: Pair; share: Share } | undefined;
  const giveBack = async (): Promise<void> => {
    const loan = borrowed;
    borrowed = undefined;
    if (loan) await loan.pair.takeBack(loan.share);
  };
  try {
    for await (const line of linesOf(socket)) {
      if (line.startsWith('pool ')) {
        const pair = await pairOf(Number(line.slice('pool '.length)));
        borrowed = { pair, share: await pair.lend() };
        answer({ share: borrowed.share });
      } else {
        await giveBack();
        answer({ returned: true });
      }
    }
  } catch (thrown) {
    answer({ failed: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) });
  } finally {
    await giveBack().catch(() => undefined); // the whole pair is thrown away soon
    socket.end();
  }
}

/** Removes the directories of runs that were killed before they could tidy up. */
async function removeLeftovers(): Promise<void> {
  const names = await readdir(tmpdir());
  for (const name of names) {
    const pid = Number(/^bandeng-test-(\d+)-/.exec(name)?.[1]);
    if (pid && !isAlive(pid)) await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
