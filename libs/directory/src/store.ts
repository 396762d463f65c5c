import { type HeldPosting, isRole } from '@bandeng/access';
import type { Db, Document } from '@bandeng/records';
import { territoryKinds } from './codes.ts';
import type { Graph, Taken } from './graph.ts';

/** The copy of the graph in the service's own database: with it the service starts while orggraph is away. */
export interface Store {
  /** Fills the graph; answers up to which instant of orggraph's clock it is complete, undefined when it never was. */
  load(graph: Graph): Promise<Date | undefined>;
  /** Keeps changes. An older version never overwrites a newer one that another process of the service kept. */
  keep(changes: readonly Taken[]): Promise<void>;
  /** Everything up to this instant is kept. */
  keptUntil(asOf: Date): Promise<void>;
}

const kept = 'kept-until';
// What is read and lost later is in the copy because orggraph said so. What is written waits as everywhere: were a change lost and
// `kept-until` after it not, nobody would ask for that change again.
const quickly = { readConcern: { level: 'local' }, batchSize: 5_000 } as const;

/** The store in the collection `directory`. */
export function openStore(database: Db): Store {
  const collection = database.collection<Document & { _id: string }>('directory');
  return {
    async load(graph) {
      // Before all else: what another process keeps meanwhile may be behind the cursor already.
      const asOf = date((await collection.findOne({ _id: kept }))?.asOf);
      for await (const document of collection.find({ _id: { $ne: kept } }, quickly)) read(document, graph);
      return asOf;
    },
    async keep(changes) {
      for (let from = 0; from < changes.length; from += 500) {
        const operations = changes.slice(from, from + 500).map((change) => {
          const { _id, ...fields } = written(change);
          return {
            updateOne: { filter: { _id, version: { $lt: fields.version } }, update: { $set: fields }, upsert: true },
          };
        });
        await collection.bulkWrite(operations, { ordered: false }).catch(ignoreOlder);
      }
    },
    async keptUntil(asOf) {
      // Of several processes the furthest counts: what one kept, all have.
      await collection.updateOne({ _id: kept }, { $max: { asOf } }, { upsert: true });
    },
  };
}

/** A duplicate key says that a version at least as new is there already. */
function ignoreOlder(error: unknown): void {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  if (code !== 11_000) throw error;
}

function written({ kind, node }: Taken): Document & { _id: string; version: number } {
  const from = instant(node.from);
  const until = instant(node.until);
  switch (kind) {
    case 'unit': {
      const { id, from: _, until: __, ...fields } = node;
      return { _id: `unit:${id}`, of: kind, ...fields, from, until };
    }
    case 'territory': {
      const { code, from: _, until: __, ...fields } = node;
      return { _id: `territory:${code}`, of: kind, ...fields, from, until };
    }
    case 'posting': {
      const { id, version, person, held } = node;
      const place = { unit: held.unit ?? null, territory: held.territory ?? null };
      return { _id: `posting:${id}`, of: kind, version, person, role: held.role, ...place, from, until };
    }
  }
}

function read(document: Document & { _id: string }, graph: Graph): void {
  const id = document._id.slice(document._id.indexOf(':') + 1);
  const common = {
    version: Number(document.version),
    from: date(document.from)?.getTime() ?? Number.NEGATIVE_INFINITY,
    until: date(document.until)?.getTime() ?? Number.POSITIVE_INFINITY,
  };
  const { kind, name, territory, role, unit } = document;
  switch (document.of) {
    case 'unit':
      graph.takeUnit({ id, kind: String(kind), name: String(name), territory: String(territory), ...common });
      return;
    case 'territory': {
      const known = territoryKinds.find((word) => word === kind);
      const covers: unknown = document.covers;
      if (known === undefined || !Array.isArray(covers)) return;
      graph.takeTerritory({ code: id, kind: known, name: String(name), covers: covers.map(String), ...common });
      return;
    }
    case 'posting': {
      if (typeof role !== 'string' || !isRole(role)) return;
      const held: HeldPosting = {
        id,
        role,
        ...(typeof unit === 'string' ? { unit } : {}),
        ...(typeof territory === 'string' ? { territory } : {}),
      };
      graph.takePosting({ id, person: String(document.person), held, ...common });
      return;
    }
    default:
      return;
  }
}

function instant(milliseconds: number): Date | null {
  return Number.isFinite(milliseconds) ? new Date(milliseconds) : null;
}

function date(value: unknown): Date | undefined {
  return value instanceof Date ? value : undefined;
}
