import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { refuse } from '@bandeng/decider';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answers, openStand, type Stand, tokenOf } from './stand.ts';

/** Files in and out through the gateway, before services that answer as a test says. */

const megabyte = 1024 * 1024;
const sizes: number[] = [];
let looks = 0;
const answers: Answers = {
  FollowTicket: ({ code }: { code: string }) => {
    looks += 1;
    return code === 'NONE' ? refuse('not-visible') : { number: code, status: 'ORDERED' };
  },
  AddEvidence: ({ id, code, content }: { id: string; code: string; content: Buffer }, call) => {
    sizes.push(content.length);
    if (id === 'none') return refuse('not-visible');
    if (call.idempotencyKey === 'again') call.replayed();
    const ticket = { id, version: 7, status: 'ORDERED', number: code };
    return { ...(code === '' ? { ticket } : { followed: ticket }), file: 'file-1' };
  },
  GetEvidence: ({ file, small }: { file: string; small: boolean }) => {
    if (file === 'none') return refuse('not-visible');
    const kind = file === 'plan' ? 'DOCUMENT' : 'PHOTO';
    return {
      kind,
      type: kind === 'PHOTO' ? 'image/jpeg' : 'application/pdf',
      content: Buffer.from(small ? 'small' : 'whole'),
    };
  },
};

let stand: Stand;
let address: string;
const signedIn = { authorization: `Bearer ${tokenOf({ kind: 'person', id: 'p1' })}` };

beforeAll(async () => {
  stand = await openStand({ answers });
  address = await stand.gateway.app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => stand[Symbol.asyncDispose]());

const formWith = (...parts: [name: string, content: Buffer | string, fileName?: string][]): FormData => {
  const form = new FormData();
  for (const [name, content, fileName] of parts) {
    if (typeof content === 'string') form.append(name, content);
    else form.append(name, new Blob([Uint8Array.from(content)]), fileName ?? 'photo.jpg');
  }
  return form;
};
async function send(path: string, body: FormData, headers: Record<string, string> = signedIn) {
  const answer = await fetch(address + path, { method: 'POST', body, headers });
  return { status: answer.status, headers: answer.headers, body: await answer.json() };
}
/** The head of an upload by hand, without its end. */
const headOf = (path: string): string =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=b\r\n`;
/** Connections that begin to send a file and go no further. */
async function slowSenders(url: string, count: number, ask: (index: number) => { from: string; head: string }) {
  const { hostname, port } = new URL(url);
  const sockets = Array.from({ length: count }, (_, index) => {
    const { from, head } = ask(index);
    const socket = connect({ port: Number(port), host: hostname, localAddress: from });
    socket.on('error', () => {}).write(`${head}content-length: 9999\r\n\r\n--b\r\n`);
    return socket;
  });
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  // What they have sent is read by the same process.
  await delay(300);
  return sockets;
}
/** The status of an upload of a few bytes from an address of its own. */
async function honest(url: string, within: number): Promise<number | undefined> {
  const body = '--b\r\ncontent-disposition: form-data; name="file"; filename="a.jpg"\r\n\r\nxyz\r\n--b--\r\n';
  const headers = { ...signedIn, 'content-type': 'multipart/form-data; boundary=b', 'content-length': body.length };
  const options = { method: 'POST', localAddress: '127.0.0.9', headers };
  const asked = httpRequest(`${url}/v1/tickets/t/evidence`, options).end(body);
  const [answer] = await once(asked, 'response', { signal: AbortSignal.timeout(within) });
  return answer.resume().statusCode;
}
const fieldsOf = (body: unknown): string[] =>
  (Object(body).fields ?? []).map(({ field, rule }: { field: string; rule: string }) => `${field} ${rule}`);

describe('a file that comes in', () => {
  test('goes on whole, and the answer is the ticket with where the file is', async () => {
    const content = Buffer.alloc(10 * megabyte, 1);
    const { status, headers, body } = await send('/v1/tickets/t%2F1/evidence', formWith(['file', content]));
    expect({ status, body }).toMatchObject({ status: 201, body: { id: 't/1', version: 7, status: 'ORDERED' } });
    expect(headers.get('location')).toBe('/v1/tickets/t%2F1/evidence/file-1');
    expect(headers.get('etag')).toBe('"7"');
    expect(headers.get('cache-control')).toBe('private, no-store');
    expect(sizes.at(-1)).toBe(content.length);
  });

  test('carries its headers to the service, and says when it came before', async () => {
    const headers = { ...signedIn, 'idempotency-key': 'again', 'acting-as': 'post-1' };
    const answer = await send('/v1/tickets/t1/evidence', formWith(['file', Buffer.from('x')]), headers);
    expect(answer.headers.get('idempotency-replayed')).toBe('true');
    expect(stand.calls.at(-1)).toMatchObject({ caller: { kind: 'person', id: 'p1' }, actingAs: 'post-1' });
  });

  test('comes with a follow code and no account', async () => {
    const { status, headers, body } = await send('/v1/follow/ABCD/evidence', formWith(['file', Buffer.from('x')]), {});
    expect({ status, body }).toMatchObject({ status: 201, body: { number: 'ABCD', status: 'ORDERED' } });
    expect(headers.get('location')).toBe('/v1/follow/ABCD/evidence/file-1');
  });

  test('needs a signed-in caller where the ticket is named by its id', async () => {
    const before = sizes.length;
    expect(await send('/v1/tickets/t1/evidence', formWith(['file', Buffer.from('x')]), {})).toMatchObject({
      status: 401,
    });
    expect(sizes.length).toBe(before);
  });

  test('with a token that nobody gave, or a code of no ticket, is answered before any of it is read', async () => {
    const { hostname, port } = new URL(address);
    const before = { sizes: sizes.length, looks };
    const answerTo = async (path: string, authorization: string) => {
      const socket = connect(Number(port), hostname);
      socket.write(`${headOf(path)}${authorization}content-length: 9999\r\n\r\n`);
      const [answer] = await once(socket, 'data', { signal: AbortSignal.timeout(2_000) });
      socket.destroy();
      return String(answer);
    };
    const made = 'authorization: Bearer a\r\n';
    for (const path of ['/v1/tickets/t1/evidence', '/v1/follow/ABCD/evidence']) {
      const answer = await answerTo(path, made);
      expect(answer, path).toMatch(/^HTTP\/1\.1 401 /);
      expect(answer).toContain('urn:bandeng:problem:token-invalid');
    }
    expect(looks).toBe(before.looks);
    expect(await answerTo('/v1/follow/NONE/evidence', '')).toMatch(/^HTTP\/1\.1 404 /);
    expect(looks).toBe(before.looks + 1);
    expect(sizes.length).toBe(before.sizes);
  });

  test('of 30 MB is refused by its name, and never held in memory', async () => {
    const before = sizes.length;
    const answer = await send('/v1/tickets/t1/evidence', formWith(['file', Buffer.alloc(30 * megabyte)]));
    expect(answer).toMatchObject({ status: 413, body: { type: 'urn:bandeng:problem:file-too-large' } });
    expect(fieldsOf(answer.body)).toEqual(['file maxSize']);
    expect(sizes.length).toBe(before);
  });

  test('has to be there, once, and with nothing beside it', async () => {
    const one = Buffer.from('x');
    const faults = async (form: FormData) => fieldsOf((await send('/v1/tickets/t1/evidence', form)).body);
    expect(await faults(new FormData())).toEqual(['file required']);
    expect(await faults(formWith(['file', 'no file']))).toEqual(['file type']);
    expect(await faults(formWith(['file', one], ['file', one]))).toEqual(['file duplicate']);
    expect(await faults(formWith(['file', one], ['title', 'x'], ['other', one]))).toEqual([
      'title unknown',
      'other unknown',
    ]);
  });

  test('is a form, and nothing else', async () => {
    const json = { method: 'POST', body: '{}', headers: { ...signedIn, 'content-type': 'application/json' } };
    const answer = await fetch(`${address}/v1/tickets/t1/evidence`, json);
    expect(answer.status).toBe(415);
    expect(await answer.json()).toMatchObject({ title: expect.stringContaining('multipart/form-data') });
    const headers = { ...signedIn, 'content-type': 'multipart/form-data; boundary=x' };
    for (const body of [
      '--x\r\n',
      'nonsense',
      '--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf',
    ]) {
      const broken = await fetch(`${address}/v1/tickets/t1/evidence`, { method: 'POST', body, headers });
      expect(broken.status, body).toBe(400);
      expect(await broken.json()).toMatchObject({ status: 400 });
    }
  });

  test('needs a boundary between its parts', async () => {
    const headers = { ...signedIn, 'content-type': 'multipart/form-data; boundary=' };
    const answer = await fetch(`${address}/v1/tickets/t1/evidence`, { method: 'POST', body: 'x', headers });
    expect(answer.status).toBe(400);
  });

  test('whose sender goes away is nobody’s fault, and holds no place', async () => {
    const { port } = new URL(address);
    for (let time = 0; time < 40; time += 1) {
      await new Promise<void>((resolve) => {
        const headers = { ...signedIn, 'content-type': 'multipart/form-data; boundary=x', 'content-length': 1_000_000 };
        const sending = httpRequest({ port, method: 'POST', path: '/v1/tickets/t1/evidence', headers });
        sending.once('error', () => resolve());
        sending.write('--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nsome', () =>
          setTimeout(() => sending.destroy(new Error('gone')), 5),
        );
      });
    }
    expect(await send('/v1/tickets/t1/evidence', formWith(['file', Buffer.from('x')]))).toMatchObject({ status: 201 });
    expect(stand.lines.join('\n')).not.toContain('a fault of ours');
  });

  test('whose sender goes away when all has arrived and not all is read is nobody’s fault either', async () => {
    const { hostname, port } = new URL(address);
    const part = '--b\r\ncontent-disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n';
    const body = Buffer.concat([Buffer.from(part), Buffer.alloc(300_000), Buffer.from('\r\n--b--\r\n')]);
    const head = `${headOf('/v1/tickets/t1/evidence')}authorization: ${signedIn.authorization}\r\n`;
    for (let time = 0; time < 40; time += 1) {
      const socket = connect(Number(port), hostname).on('error', () => {});
      socket.write(`${head}content-length: ${body.length}\r\n\r\n`);
      await new Promise((resolve) => socket.write(body, resolve));
      if (time % 2 === 0) await delay(time / 4);
      socket.resetAndDestroy();
    }
    await expect.poll(() => honest(address, 2_000)).toBe(201);
    expect(stand.lines.join('\n')).not.toContain('a fault of ours');
  });

  test('is taken from one address while others send theirs slowly', async () => {
    const slow = await slowSenders(address, 20, () => ({
      from: '127.0.0.1',
      head: headOf('/v1/follow/AAAA/evidence'),
    }));
    try {
      expect(await honest(address, 2_000)).toBe(201);
    } finally {
      for (const socket of slow) socket.destroy();
    }
  });

  test.each([
    ['made-up codes', () => headOf('/v1/follow/NONE/evidence')],
    ['made-up tokens', () => `${headOf('/v1/tickets/t1/evidence')}authorization: Bearer a\r\n`],
    ['codes that guests have', () => headOf('/v1/follow/AAAA/evidence')],
  ])('is taken while four addresses send theirs slowly, with %s', async (_what, head) => {
    const slow = await slowSenders(address, 16, (index) => ({ from: `127.0.0.${11 + (index % 4)}`, head: head() }));
    try {
      expect(await honest(address, 2_000)).toBe(201);
    } finally {
      for (const socket of slow) socket.destroy();
    }
  });

  test('that is late is answered once, gives its place back, and ends with its connection', async () => {
    await using other = await openStand({ answers, configuration: { uploadMs: 300 } });
    const url = await other.gateway.app.listen({ host: '127.0.0.1', port: 0 });
    // As many as have a place, and one that stands in line.
    const slow = await slowSenders(url, 5, () => ({ from: '127.0.0.9', head: headOf('/v1/follow/AAAA/evidence') }));
    const heard = slow.map(async (socket) => {
      let text = '';
      socket.on('data', (piece) => {
        text += String(piece);
      });
      await once(socket, 'close', { signal: AbortSignal.timeout(5_000) });
      return text;
    });
    for (const text of await Promise.all(heard)) {
      expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 504']);
      expect(text).toContain('urn:bandeng:problem:deadline-exceeded');
    }
    expect(await honest(url, 2_000)).toBe(201);
    expect(other.lines.join('\n')).not.toContain('a fault of ours');
  });

  test('that hardly comes is answered so, and others take its place', async () => {
    const { hostname, port } = new URL(address);
    const head = `POST /v1/follow/AAAA/evidence HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=b\r\n`;
    const slow = connect(Number(port), hostname);
    slow.on('error', () => {}).write(`${head}content-length: 9999\r\n\r\n--b\r\n`);
    const [answer] = await once(slow, 'data', { signal: AbortSignal.timeout(10_000) });
    expect(String(answer)).toMatch(/^HTTP\/1\.1 408 /);
    expect(String(answer)).toContain('urn:bandeng:problem:too-slow');
    slow.destroy();
  });

  test('other methods are not allowed', async () => {
    const answer = await fetch(`${address}/v1/tickets/t1/evidence`, { headers: signedIn });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST');
  });
});

describe('a file that goes out', () => {
  const get = (path: string) => fetch(address + path, { headers: signedIn });

  test('is shown when it is a photo, and saved when it is a document', async () => {
    const photo = await get('/v1/tickets/t1/evidence/photo');
    expect(Object.fromEntries(photo.headers)).toMatchObject({
      'content-type': 'image/jpeg',
      'content-disposition': 'inline',
      'cache-control': 'private, max-age=300',
      'x-content-type-options': 'nosniff',
    });
    expect(await photo.text()).toBe('whole');
    expect(await (await get('/v1/follow/ABCD/evidence/photo?size=small')).text()).toBe('small');
    const plan = await get('/v1/tickets/t1/evidence/plan');
    expect(plan.headers.get('content-disposition')).toBe('attachment; filename="plan"');
  });

  test('is not found where the service says so, and is of a size that there is', async () => {
    expect((await get('/v1/tickets/t1/evidence/none')).status).toBe(404);
    const answer = await get('/v1/tickets/t1/evidence/photo?size=huge&other=1');
    expect(answer.status).toBe(400);
    const wrong = await (await get('/v1/tickets/t1/evidence/photo?size=huge')).json();
    expect(fieldsOf(wrong)).toEqual(['size enum']);
  });
});

test('a refusal of the service is a problem', async () => {
  const answer = await send('/v1/tickets/none/evidence', formWith(['file', Buffer.from('x')]));
  expect(answer).toMatchObject({ status: 404, body: { type: 'urn:bandeng:problem:not-visible' } });
});
