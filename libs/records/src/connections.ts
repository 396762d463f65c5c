import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { traced } from './statements.ts';

/** A connection of the driver, through which every statement goes, whoever asks for it. It is not among what the package exports. */
interface Connection extends EventEmitter {
  readonly error: Error | null;
  command(namespace: { readonly db: string }, statement: object, ...more: unknown[]): Promise<unknown>;
  writeCommand(...more: unknown[]): Promise<void>;
}

let done = false;

/** From now on the connections of the driver trace their statements, and a write ends with its connection. Once is enough. */
export function mendConnections(): void {
  if (done) return;
  done = true;
  const prototype = connectionsOf(createRequire(import.meta.url)('mongodb/lib/cmap/connection.js'));
  const { command, writeCommand } = prototype;

  prototype.command = function commandTraced(this: Connection, namespace, statement, ...more): Promise<unknown> {
    return traced(namespace.db, statement, () => Reflect.apply(command, this, [namespace, statement, ...more]));
  };

  /**
   * The driver waits until the socket can take more, and for ever when it is destroyed before: it listens to `drain` and `error`,
   * and a socket that was destroyed says neither. Whoever writes together with others, or much, meets that whenever a server dies.
   */
  prototype.writeCommand = async function writtenOrEnded(this: Connection, ...more): Promise<void> {
    const closed = Promise.withResolvers<never>();
    const end = (): void => closed.reject(this.error);
    this.once('close', end);
    try {
      await Promise.race([Reflect.apply(writeCommand, this, more), closed.promise]);
    } finally {
      this.off('close', end);
    }
  };
}

function connectionsOf(module: { readonly Connection: { readonly prototype: Connection } }): Connection {
  const { prototype } = module.Connection;
  if (!(prototype instanceof EventEmitter)) throw new TypeError('this driver has other connections');
  return prototype;
}
