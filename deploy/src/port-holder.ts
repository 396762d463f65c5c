import { readdir, readFile, readlink } from 'node:fs/promises';

/** Who listens on a port. */
export interface PortHolder {
  readonly pid: number;
  readonly command: string;
}

/** Finds who listens on a TCP port of this machine; undefined when it is not seen, as another user's process may be. */
export async function holderOf(port: number): Promise<PortHolder | undefined> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'utf8').catch(none)),
  );
  const sockets = new Set(tables.flatMap((table) => listeningSockets(table, port)).map((inode) => `socket:[${inode}]`));
  if (sockets.size === 0) return undefined;
  for (const pid of (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))) {
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const descriptor of descriptors) {
      if (!sockets.has(await readlink(`/proc/${pid}/fd/${descriptor}`).catch(none))) continue;
      const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(none)).split('\0').join(' ').trim();
      return { pid: Number(pid), command: shortened(command) };
    }
  }
  return undefined;
}

const none = (): string => '';

const shortened = (command: string): string => (command.length > 120 ? `${command.slice(0, 117)}...` : command);

const LISTENING = '0A';

/** Inodes of the sockets that listen on a port, from a table as in /proc/net/tcp. */
export function listeningSockets(table: string, port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => state === LISTENING && local?.endsWith(`:${wanted}`))
    .flatMap(([, , , , , , , , , inode]) => (inode ? [inode] : []));
}
