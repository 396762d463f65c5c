import { hash } from 'node:crypto';
import { type Db, GridFSBucket, MongoRuntimeError, ObjectId } from 'mongodb';
import type { ContentStore } from './contents.ts';

/** Contents in the service's own database, in pieces of 255 kB: backed up, replicated and erased with everything else. */
export function gridFsContents(database: Db, bucketName = 'contents'): ContentStore {
  const bucket = new GridFSBucket(database, { bucketName });
  return {
    put(key, content, type) {
      return new Promise((resolve, reject) => {
        const upload = bucket.openUploadStreamWithId(idOf(key), key, { metadata: { type } });
        upload.once('finish', () => resolve());
        upload.once('error', reject);
        upload.end(content);
      });
    },

    async get(key) {
      const pieces: Uint8Array[] = [];
      try {
        for await (const piece of bucket.openDownloadStream(idOf(key))) pieces.push(piece);
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
      return Buffer.concat(pieces);
    },

    async remove(key) {
      try {
        // Pieces of a file that was never whole are removed as well.
        await bucket.delete(idOf(key));
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    },
  };
}

/** An id that follows from the key, so that what broke off half-way can be found. */
function idOf(key: string): ObjectId {
  return new ObjectId(hash('sha256', key, 'hex').slice(0, 24));
}

/** There is no such file, or it was removed while it was read. */
function isMissing(error: unknown): boolean {
  return error instanceof MongoRuntimeError && /FileNotFound|File not found|ChunkIsMissing/.test(error.message);
}
