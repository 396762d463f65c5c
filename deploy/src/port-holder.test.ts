import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { freePort } from './embedded/ports.ts';
import { holderOf, listeningSockets } from './port-holder.ts';

const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1F90 0100007F:D2F0 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0000000000000000 20 4 30 10 -1
   2: 00000000:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0000000000000000 100 0 0 10 0
`;

describe('the holder of a port', () => {
  it('is the socket that listens, not one that is connected or listens elsewhere', () => {
    expect(listeningSockets(table, 8080)).toEqual(['4711']);
    expect(listeningSockets(table, 8081)).toEqual(['4713']);
    expect(listeningSockets(table, 80)).toEqual([]);
  });

  it('is named with its process', async () => {
    const port = await freePort();
    expect(await holderOf(port)).toBeUndefined();
    const server = createServer().listen(port, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    expect(await holderOf(port)).toMatchObject({ pid: process.pid, command: expect.stringContaining('node') });
    await new Promise((resolve) => server.close(resolve));
  });
});
