import { step } from '@bandeng/telemetry';

/**
 * Sends a statement as a step in the trace of what is being done, if that is kept. The instrumentation that is to be had makes a
 * span of every statement and writes it out before it asks whether anybody wants to know.
 */
export function traced(database: string, statement: object, send: () => Promise<unknown>): Promise<unknown> {
  const end = step(() => aboutStatement(database, statement));
  const answer = send();
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
