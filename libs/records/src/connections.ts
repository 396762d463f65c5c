import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';

/** A connection of the driver. It is not among what the package exports. */
interface Connection extends EventEmitter {
  readonly error: Error | null;
  writeCommand(...more: unknown[]): Promise<void>;
}

let done = false;

/**
 * From now on a write ends with its connection. The driver waits until the socket can take more, and for ever when it is
 * destroyed before: it listens to `drain` and `error`, and a socket that was destroyed says neither. Whoever writes together with
 * others, or much, meets that whenever a server dies.
 */
export function endWritesWithConnections(): void {
  if (done) return;
  done = true;
  const { prototype } = connectionIn(createRequire(import.meta.url)('mongodb/lib/cmap/connection.js'));
  const { writeCommand } = prototype;
  prototype.writeCommand = async function written(this: Connection, ...more): Promise<void> {
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

function connectionIn(module: { readonly Connection: { readonly prototype: Connection } }) {
  const { Connection } = module;
  if (!(Connection.prototype instanceof EventEmitter)) throw new TypeError('this driver has other connections');
  return Connection;
}
