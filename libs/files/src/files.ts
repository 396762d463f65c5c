import { randomUUID } from 'node:crypto';
import { readTime } from '@bandeng/records';
import type { Collection, Db } from 'mongodb';
import type { ContentStore } from './contents.ts';
import type { FileKind, Inspected } from './inspection.ts';

/** Whose a file is. */
export interface Belonging {
  /** Id of the aggregate it belongs to. */
  readonly owner: string;
  /** Who brought it, as written beside words. */
  readonly by: string;
}

/** A file as it is read. */
export interface ReadFile {
  readonly kind: FileKind;
  readonly type: string;
  readonly content: Uint8Array;
}

/** The files of one service. */
export interface Files {
  /**
   * Keeps a file for now and answers its id. Once its aggregate names it, `confirm` it; what is never confirmed is swept away.
   */
  keep(file: Inspected, belonging: Belonging): Promise<string>;
  /** Its aggregate names it now. */
  confirm(id: string): Promise<void>;
  /** Undefined when there is none, or it was erased. */
  read(id: string, size?: 'whole' | 'small'): Promise<ReadFile | undefined>;
  remove(id: string): Promise<void>;
  /** Ids of the aggregates to which any of these brought files, each once. */
  ownersOf(...by: readonly string[]): Promise<string[]>;
  /** Removes every file that any of these brought; answers how many. The aggregates go on naming them. */
  eraseOf(...by: readonly string[]): Promise<number>;
  /** Confirms or removes what has waited too long, as its aggregate names it or not; answers how many were removed. */
  sweep(before: Date, isNamed: (file: { readonly id: string } & Belonging) => Promise<boolean>): Promise<number>;
}

interface FileDocument extends Belonging {
  readonly _id: string;
  readonly kind: FileKind;
  readonly type: string;
  readonly bytes: number;
  readonly hasSmall: boolean;
  readonly keptAt: Date;
  /** Waits to be confirmed. */
  readonly loose?: true;
}

const batch = 100;

/** Opens the files of a service: what is known of them in its database, their bytes in a store. */
export async function openFiles(options: { database: Db; contents: ContentStore; now?: () => Date }): Promise<Files> {
  const { contents, now = () => new Date() } = options;
  const files: Collection<FileDocument> = options.database.collection('files');
  await files.createIndexes([
    { name: 'by-person', key: { by: 1 } },
    { name: 'loose', key: { keptAt: 1 }, partialFilterExpression: { loose: true } },
  ]);
  const small = (id: string): string => `${id}.small`;

  async function remove(id: string): Promise<void> {
    // The bytes first: a file that breaks off between is known still, and removed the next time.
    await Promise.all([contents.remove(id), contents.remove(small(id))]);
    await files.deleteOne({ _id: id }, { maxTimeMS: readTime });
  }

  async function confirm(id: string): Promise<void> {
    await files.updateOne({ _id: id }, { $unset: { loose: '' } }, { maxTimeMS: readTime });
  }

  return {
    async keep({ kind, type, content, small: little }, { owner, by }) {
      const id = randomUUID();
      const about = { kind, type, bytes: content.length, hasSmall: little !== undefined };
      // Known before it is there, so that nothing can lie in the store that nobody knows of.
      await files.insertOne({ _id: id, owner, by, ...about, keptAt: now(), loose: true }, { maxTimeMS: readTime });
      await contents.put(id, content, type);
      if (little !== undefined) await contents.put(small(id), little, type);
      return id;
    },

    confirm,

    async read(id, size = 'whole') {
      const known = await files.findOne({ _id: id }, { maxTimeMS: readTime });
      if (known === null) return undefined;
      const { kind, type, hasSmall } = known;
      const content = await contents.get(size === 'small' && hasSmall ? small(id) : id);
      return content === undefined ? undefined : { kind, type, content };
    },

    remove,

    ownersOf: (...by) =>
      files.distinct('owner', { by: { $in: [...by] }, loose: { $exists: false } }, { maxTimeMS: readTime }),

    async eraseOf(...by) {
      let erased = 0;
      for await (const { _id } of files.find(
        { by: { $in: [...by] } },
        { projection: { _id: 1 }, batchSize: batch, maxTimeMS: 10 * readTime },
      )) {
        await remove(_id);
        erased += 1;
      }
      return erased;
    },

    async sweep(before, isNamed) {
      let removed = 0;
      const waiting = files.find({ loose: true, keptAt: { $lt: before } }, { limit: batch, maxTimeMS: readTime });
      for (const { _id: id, owner, by } of await waiting.toArray()) {
        if (await isNamed({ id, owner, by })) await confirm(id);
        else {
          await remove(id);
          removed += 1;
        }
      }
      return removed;
    },
  };
}
