import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connectMongo, type Db } from '@bandeng/records';
import { type Parts, parts } from '@bandeng/testing';
import { wasteIn } from '@bandeng/testing/queries';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ContentStore, type Files, gridFsContents, openFiles, s3Contents } from '../src/index.ts';

/** Files on real parts: in the database, and in a store that speaks S3. */

let world: Parts;
let database: Db;
let other: Db;
let close: () => Promise<void>;

beforeAll(async () => {
  world = await parts();
  const mongo = await connectMongo(world.mongodbUri);
  database = mongo.db(`${world.databasePrefix}_files`);
  other = mongo.db(`${world.databasePrefix}_more_files`);
  close = () => mongo.close();
});
afterAll(async () => {
  await close();
  await world.dispose();
});

/** A store that keeps what is signed and asks no more. */
async function startStore() {
  const objects = new Map<string, { body: Buffer; type: string }>();
  const unsigned: string[] = [];
  const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    return Buffer.concat(pieces);
  };
  const server: Server = createServer(async (request, response) => {
    const { method, url = '', headers } = request;
    const body = await bodyOf(request);
    const signed =
      /^AWS4-HMAC-SHA256 Credential=key\/\d{8}\/local\/s3\/aws4_request, SignedHeaders=.*host.*, Signature=[0-9a-f]{64}$/;
    if (!signed.test(headers.authorization ?? '')) unsigned.push(`${method} ${url}`);
    const found = objects.get(url);
    if (!url.startsWith('/evidence/')) response.writeHead(404).end();
    else if (method === 'PUT') {
      objects.set(url, { body, type: headers['content-type'] ?? '' });
      response.writeHead(200).end();
    } else if (method === 'DELETE') response.writeHead(objects.delete(url) ? 204 : 404).end();
    else if (found === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': found.type }).end(found.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { endpoint: `http://127.0.0.1:${port}`, objects, unsigned, stop: () => server.close() };
}

const photo = {
  kind: 'photo',
  type: 'image/jpeg',
  content: Buffer.alloc(600_000, 7),
  small: Buffer.from('small'),
} as const;

function behaves(stored: () => Promise<number>, open: () => Promise<Files>): void {
  let files: Files;
  beforeAll(async () => {
    files = await open();
  });

  it('a file is read as it was kept, whole and in small', async () => {
    const id = await files.keep(photo, { owner: 'ticket-1', by: 'mei' });
    expect(await files.read(id)).toEqual({ kind: 'photo', type: 'image/jpeg', content: expect.anything() });
    expect(Buffer.compare(Buffer.from((await files.read(id))?.content ?? []), photo.content)).toBe(0);
    expect(Buffer.from((await files.read(id, 'small'))?.content ?? []).toString()).toBe('small');
    const document = await files.keep(
      { kind: 'document', type: 'application/pdf', content: Buffer.from('pdf') },
      { owner: 't', by: 'mei' },
    );
    expect(Buffer.from((await files.read(document, 'small'))?.content ?? []).toString()).toBe('pdf');
    expect(await files.read('no-such-file')).toBeUndefined();
  });

  it('whoever is erased takes their files along, and nobody else theirs', async () => {
    const others = await files.keep(photo, { owner: 'ticket-2', by: 'wang' });
    const before = await stored();
    expect(await files.ownersOf('mei')).toEqual([]); // not yet named by what they belong to
    await files.confirm(others);
    expect(await files.ownersOf('wang')).toEqual(['ticket-2']);
    expect(await files.eraseOf('mei')).toBe(2);
    expect(await files.eraseOf('mei')).toBe(0);
    expect(await stored()).toBe(before - 3);
    expect(await files.read(others)).toBeDefined();
    await files.remove(others);
    expect(await stored()).toBe(0);
  });

  it('a file that its ticket never came to name is swept away, one that it names stays', async () => {
    const named = await files.keep(photo, { owner: 'ticket-3', by: 'mei' });
    const loose = await files.keep(photo, { owner: 'ticket-3', by: 'mei' });
    const confirmed = await files.keep(photo, { owner: 'ticket-3', by: 'mei' });
    await files.confirm(confirmed);
    const later = new Date(Date.now() + 1_000);
    expect(await files.sweep(new Date(0), async () => false)).toBe(0);
    expect(await files.sweep(later, async ({ id, owner }) => owner === 'ticket-3' && id === named)).toBe(1);
    expect(await files.sweep(later, async () => false)).toBe(0);
    expect(await files.read(loose)).toBeUndefined();
    expect(await files.read(named)).toBeDefined();
    expect(await files.read(confirmed)).toBeDefined();
  });
}

describe('in the database', () => {
  behaves(
    () => database.collection('contents.files').countDocuments(),
    () => openFiles({ database, contents: gridFsContents(database) }),
  );

  it('a content that broke off half-way is no content, and goes whole when it is removed', async () => {
    const contents: ContentStore = gridFsContents(database);
    await contents.put('half', photo.content, photo.type);
    const chunks = database.collection('contents.chunks');
    const before = await chunks.countDocuments();
    await database.collection('contents.files').deleteOne({ filename: 'half' });
    expect(await contents.get('half')).toBeUndefined();
    await contents.remove('half');
    expect(await chunks.countDocuments()).toBe(before - 3);
    await contents.remove('half');
  });
});

it('every question is answered by an index, among the files of many', async () => {
  const filled = database.client.db(`${world.databasePrefix}_full_files`);
  const files = await openFiles({ database: filled, contents: gridFsContents(filled) });
  const old = new Date('2026-01-01T00:00:00Z');
  await filled.collection<{ _id: string }>('files').insertMany(
    Array.from({ length: 2_000 }, (_, index) => ({
      ...{ _id: `f${index}`, owner: `t${index % 500}`, by: `p${index % 400}`, bytes: 1, hasSmall: true },
      ...{ kind: 'photo', type: 'image/jpeg', keptAt: old, ...(index % 500 === 0 ? { loose: true } : {}) },
    })),
  );
  const wasted = await wasteIn(filled, async () => {
    const id = await files.keep(photo, { owner: 'ticket-9', by: 'mei' });
    await files.confirm(id);
    expect((await files.read(id))?.content.length).toBe(photo.content.length);
    expect(await files.ownersOf('p7')).toHaveLength(5);
    expect(await files.sweep(new Date('2026-02-01T00:00:00Z'), async () => false)).toBe(4);
    expect(await files.eraseOf('mei')).toBe(1);
  });
  expect(wasted).toEqual([]);
});

describe('in a store that speaks S3', () => {
  let store: Awaited<ReturnType<typeof startStore>>;
  const bucket = { bucket: 'evidence', region: 'local', accessKeyId: 'key', secretAccessKey: 'secret' };
  beforeAll(async () => {
    store = await startStore();
  });
  afterAll(() => {
    expect(store.unsigned).toEqual([]);
    store.stop();
  });

  behaves(
    async () => store.objects.size,
    async () => openFiles({ database: other, contents: s3Contents({ ...bucket, endpoint: store.endpoint }) }),
  );

  it('a bucket that is not there is a fault of the configuration, not a file that is not there', async () => {
    const elsewhere = s3Contents({ ...bucket, bucket: 'elsewhere', endpoint: store.endpoint });
    await expect(elsewhere.put('key', Buffer.from('x'), 'image/jpeg')).rejects.toThrow('no such bucket');
  });
});
