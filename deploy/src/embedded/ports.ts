import { readFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { codeOf } from './fault.ts';

/** Whether a port of an address (all of this machine's by default) can be listened on now. */
export function portIsFree(port: number, address?: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (thrown) => {
      const code = codeOf(thrown);
      if (code === 'EADDRINUSE' || code === 'EACCES') resolve(false);
      else reject(thrown);
    });
    probe.listen({ port, host: address, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/** Whether somebody accepts connections on a port of 127.0.0.1. */
export function portAnswers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

// Below the range from which the kernel takes ports for outgoing connections: one that is remembered for the next
// start is then not taken by somebody's short-lived connection.
const LOWEST = 21_000;
const COUNT = 11_000;

/** A port of 127.0.0.1 that nobody listens on now. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const port = LOWEST + Math.floor(Math.random() * COUNT);
    if (await portIsFree(port, '127.0.0.1')) return port;
  }
  throw new Error(`no free port found between ${LOWEST} and ${LOWEST + COUNT}`);
}

/** The port in the file `port` of a directory when it is free now, else a free one. */
export async function rememberedPort(directory: string): Promise<number> {
  const remembered = Number(await readFile(join(directory, 'port'), 'utf8').catch(() => ''));
  return remembered > 0 && (await portIsFree(remembered, '127.0.0.1')) ? remembered : freePort();
}
