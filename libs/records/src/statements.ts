import { createRequire } from 'node:module';
import { step } from '@bandeng/telemetry';

/** The part of the driver through which every statement goes, whoever asks for it. It is not among what the package exports. */
interface Connection {
  command(namespace: { readonly db: string }, statement: object, ...more: unknown[]): Promise<unknown>;
}

let done = false;

/**
 * From now on statements are steps in the trace of what is being done, if that is kept. The instrumentation that is to be had makes
 * a span of every statement and writes it out before it asks whether anybody wants to know.
 */
export function traceStatements(): void {
  if (done) return;
  done = true;
  const prototype = connectionOf(createRequire(import.meta.url)('mongodb/lib/cmap/connection.js'));
  const { command } = prototype;
  prototype.command = function traced(this: Connection, namespace, statement, ...more): Promise<unknown> {
    const end = step(() => aboutStatement(namespace.db, statement));
    const answer: Promise<unknown> = Reflect.apply(command, this, [namespace, statement, ...more]);
    if (end === undefined) return answer;
    return answer.then(
      (result) => {
        end();
        return result;
      },
      (error: unknown) => {
        end({}, error instanceof Error ? error.name : 'failed');
        throw error;
      },
    );
  };
}

/** Neither what is asked for nor what is written: that may be words of people. */
function aboutStatement(database: string, statement: object) {
  const [[operation, of] = ['command', '']] = Object.entries(statement);
  const named: unknown = typeof of === 'string' ? of : Reflect.get(statement, 'collection');
  const collection = typeof named === 'string' ? named : '';
  const where = { 'db.namespace': database, 'db.collection.name': collection };
  return {
    name: `${operation} ${collection}`.trim(),
    about: { 'db.system.name': 'mongodb', 'db.operation.name': operation, ...where },
  };
}

function connectionOf(module: { readonly Connection: { readonly prototype: Connection } }): Connection {
  return module.Connection.prototype;
}
