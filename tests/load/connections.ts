/**
 * HTTP/1.1 over kept connections, one request at a time on each, as lean as can be: the generator of the load runs on the cores
 * that are measured. Knows what the gateway sends and nothing else.
 */
import { connect, type Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** One kept connection. */
export interface Connection {
  /** Sends a request and waits for its answer; a command with its Idempotency-Key. Throws when the connection ends before. */
  ask(method: 'GET' | 'POST', path: string, token: string, body?: string, key?: string): Promise<Answer>;
  close(): void;
}

/** Opens so many connections to a port of 127.0.0.1. */
export function openConnections(port: number, count: number): Promise<Connection[]> {
  return Promise.all(Array.from({ length: count }, () => openConnection(port)));
}

async function openConnection(port: number): Promise<Connection> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  const waiting = receiver(socket);
  return {
    ask(method, path, token, body, key) {
      const repeat = key === undefined ? '' : `Idempotency-Key: ${key}\r\n`;
      const head = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n${repeat}`;
      const content = `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body ?? '')}\r\n`;
      const answered = waiting();
      socket.write(body === undefined ? `${head}\r\n` : `${head}${content}\r\n${body}`);
      return answered;
    },
    close: () => socket.destroy(),
  };
}

/** Takes answers off a socket; the function waits for the next one. */
function receiver(socket: Socket): () => Promise<Answer> {
  let received: Buffer = Buffer.alloc(0);
  let settle: { resolve(answer: Answer): void; reject(fault: Error): void } | undefined;
  let fault: Error | undefined;
  const end = (why: Error): void => {
    fault ??= why;
    settle?.reject(fault);
    settle = undefined;
  };
  socket.on('data', (bytes) => {
    received = received.length === 0 ? bytes : Buffer.concat([received, bytes]);
    const headEnd = received.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const head = received.toString('latin1', 0, headEnd);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length === undefined) return end(new Error(`an answer without a length:\n${head}`));
    const bodyEnd = headEnd + 4 + Number(length);
    if (received.length < bodyEnd) return;
    const answer = { status: Number(head.slice(9, 12)), body: received.subarray(headEnd + 4, bodyEnd) };
    received = received.subarray(bodyEnd);
    const { resolve } = settle ?? {};
    settle = undefined;
    resolve?.(answer);
  });
  socket.on('error', end);
  socket.on('close', () => end(new Error('the gateway has closed a connection')));
  return () =>
    new Promise((resolve, reject) => {
      if (fault !== undefined) reject(fault);
      else settle = { resolve, reject };
    });
}

/** The JSON of an answer that has the expected status. Throws with what was answered instead. */
export function expected(answer: Answer, status: number): string {
  const text = answer.body.toString('utf8');
  if (answer.status !== status) throw new Error(`expected ${status}, got ${answer.status}: ${text.slice(0, 500)}`);
  return text;
}
