import { join, relative } from 'node:path';

/** Where an installation keeps its things. */
export interface Layout {
  /** The source tree; every process of ours runs in it. */
  readonly root: string;
  /** Data of the embedded servers, keys, files: what a backup needs. */
  readonly data: string;
  /** Sockets, process ids and the supervisor's state: meaningless after a restart. */
  readonly run: string;
  readonly log: string;
  /** The gateway's port. */
  readonly port: number;
  /** Where the gateway answers on this machine, whatever its public address. */
  readonly gateway: string;
  /** What services are told: `environment` with the directories above. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export const root = join(import.meta.dirname, '../..');

/** The layout that environment variables ask for; `.bandeng` in the source tree when they say nothing. */
export function layoutOf(environment: Readonly<Record<string, string | undefined>>): Layout {
  const directory = (name: string, standard: string): string => join(root, near(environment[name] || standard));
  const data = directory('BANDENG_DATA', '.bandeng/data');
  const run = directory('BANDENG_RUN', '.bandeng/run');
  const port = Number(environment.BANDENG_PORT || 8080);
  return {
    root,
    data,
    run,
    log: directory('BANDENG_LOG', '.bandeng/log'),
    port,
    gateway: `http://${hostHere(environment.BANDENG_HOST || '127.0.0.1')}:${port}`,
    environment: {
      ...environment,
      // Relative where that is shorter: the path of a unix socket has at most 107 bytes.
      BANDENG_RUN: near(run),
      BANDENG_DATA: data,
    },
  };
}

/** By which host something is asked that listens at an address of this machine. */
function hostHere(listensAt: string): string {
  if (['0.0.0.0', '::'].includes(listensAt)) return '127.0.0.1';
  return listensAt.includes(':') ? `[${listensAt}]` : listensAt;
}

/** The path as seen from the source tree, when it lies within. */
function near(path: string): string {
  if (!path.startsWith('/')) return path;
  return relative(root, path);
}
