import { signInSystem } from '@bandeng/deploy/sign-in';
import { eventually } from '@bandeng/testing';
import { type Caller, type Town, town } from '@bandeng/testing/town';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** Photos and documents of a ticket, from a form to whoever may read the ticket. */

const megabyte = 1024 * 1024;
let city: Town;
let home: string;
let category: string;
let photo: Buffer;

beforeAll(async () => {
  city = await town({ environment: { BANDENG_RATE_LIMIT: 'off' } });
  home = city.plan.postings.find(({ role }) => role === 'resident')?.territory ?? '';
  category = city.plan.categories[0]?.join('.') ?? '';
  photo = await sharp({ create: { width: 800, height: 600, channels: 3, background: '#446688' } })
    .withExif({ IFD0: { Model: 'a phone' }, IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '24/1 24/1 0/1' } })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
});
afterAll(() => city?.stop());

async function order(by: Caller): Promise<{ id: string; followCode: string }> {
  const key = { 'idempotency-key': crypto.randomUUID() };
  const { status, body } = await by.post('/v1/tickets', { text: '楼道灯坏了', territory: home, category }, key);
  expect(status).toBe(201);
  return body;
}

async function send(by: Caller, path: string, content: Uint8Array, fileName = 'photo.jpg', headers = {}) {
  const body = new FormData();
  body.append('file', new Blob([Uint8Array.from(content)]), fileName);
  const signed = by.token === undefined ? {} : { authorization: `Bearer ${by.token}` };
  const answer = await fetch(`${city.address}${path}`, { method: 'POST', body, headers: { ...signed, ...headers } });
  return { status: answer.status, headers: answer.headers, body: Object(await answer.json()) };
}
async function fetched(by: Caller, path: string): Promise<{ status: number; type: string | null; bytes: Buffer }> {
  const headers = { ...(by.token === undefined ? {} : { authorization: `Bearer ${by.token}` }) };
  const answer = await fetch(`${city.address}${path}`, { headers });
  return {
    status: answer.status,
    type: answer.headers.get('content-type'),
    bytes: Buffer.from(await answer.arrayBuffer()),
  };
}

describe('a resident adds a photo', () => {
  test('and whoever may read the ticket sees it, without where it was taken', async () => {
    const resident = await city.as('resident');
    const { id } = await order(resident);
    const { status, headers, body } = await send(resident, `/v1/tickets/${id}/evidence`, photo);
    expect({ status, body }).toMatchObject({ status: 201, body: { id, evidence: [{ kind: 'PHOTO' }] } });
    const [{ file, size }] = body.evidence;
    const path = `/v1/tickets/${id}/evidence/${file}`;
    expect(headers.get('location')).toBe(path);
    for (const role of ['resident', 'community_dispatcher', 'auditor'] as const) {
      const { status: found, type, bytes } = await fetched(await city.as(role), path);
      expect({ role, found, type, size: bytes.length }).toEqual({ role, found: 200, type: 'image/jpeg', size });
      const about = await sharp(bytes).metadata();
      expect(about).toMatchObject({ width: 600, height: 800 });
      expect(about.exif).toBeUndefined();
      expect(bytes.includes('a phone')).toBe(false);
    }
    const small = await fetched(resident, `${path}?size=small`);
    expect(await sharp(small.bytes).metadata()).toMatchObject({ width: 240, height: 320 });
    const { body: line } = await resident.get(`/v1/tickets/${id}/timeline`);
    expect(line.entries.at(-1)).toMatchObject({ event: 'evidence-added', file });
    for (const stranger of [await city.as('volunteer'), city.with(undefined)]) {
      expect([401, 404]).toContain((await fetched(stranger, path)).status);
    }
  });

  test('once, however often it is sent with the same key', async () => {
    const resident = await city.as('resident');
    const { id } = await order(resident);
    const key = { 'idempotency-key': crypto.randomUUID() };
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => send(resident, `/v1/tickets/${id}/evidence`, photo, 'photo.jpg', key)),
    );
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201]);
    expect(new Set(answers.map(({ headers }) => headers.get('location'))).size).toBe(1);
    const { body } = await resident.get(`/v1/tickets/${id}`);
    expect(body.evidence).toHaveLength(1);
    const other = await send(
      resident,
      `/v1/tickets/${id}/evidence`,
      await sharp(photo).rotate(90).jpeg().toBuffer(),
      'x.jpg',
      key,
    );
    expect(other).toMatchObject({ status: 422, body: { type: 'urn:bandeng:problem:key-reused' } });
  });

  test('without an account, by the follow code', async () => {
    const guest = city.with(undefined);
    const { id, followCode } = await order(guest);
    const path = `/v1/follow/${followCode}/evidence`;
    const { status, body } = await send(guest, path, photo);
    expect({ status, body }).toMatchObject({
      status: 201,
      body: { evidence: [{ kind: 'PHOTO' }], allowedActions: ['ATTACH'] },
    });
    expect((await fetched(guest, `${path}/${body.evidence[0].file}`)).status).toBe(200);
    expect((await send(guest, `/v1/follow/000000000000/evidence`, photo)).status).toBe(404);
    const dispatcher = await city.as('community_dispatcher');
    expect((await fetched(dispatcher, `/v1/tickets/${id}/evidence/${body.evidence[0].file}`)).status).toBe(200);
  });
});

describe('a file is refused by its name in the form', () => {
  const refused = async (content: Uint8Array, fileName: string) => {
    const resident = await city.as('resident');
    const { id } = await order(resident);
    const { status, body } = await send(resident, `/v1/tickets/${id}/evidence`, content, fileName);
    expect((await resident.get(`/v1/tickets/${id}`)).body.evidence).toEqual([]);
    return {
      status,
      type: String(body.type).split(':').at(-1),
      fields: body.fields?.map(({ field }: { field: string }) => field),
    };
  };

  test('when it is a text that calls itself a photo', async () => {
    const found = await refused(Buffer.from('这不是照片，是一段文字。'.repeat(100)), '照片.jpg');
    expect(found).toEqual({ status: 400, type: 'file-type-not-taken', fields: ['file'] });
  });

  test('when it is a photo of 30 MB', async () => {
    const huge = Buffer.concat([photo, Buffer.alloc(30 * megabyte)]);
    expect(await refused(huge, '照片.jpg')).toEqual({ status: 413, type: 'file-too-large', fields: ['file'] });
  });

  test('when the photo is damaged', async () => {
    const half = photo.subarray(0, photo.length / 2);
    expect(await refused(half, '照片.jpg')).toEqual({ status: 400, type: 'photo-unreadable', fields: ['file'] });
  });

  test('when a small file unfolds to more pixels than there is memory for', async () => {
    const background = '#446688';
    const wide = await sharp({ create: { width: 6_000, height: 4_500, channels: 3, background } })
      .jpeg({ progressive: true })
      .toBuffer();
    expect(await refused(wide, '照片.jpg')).toEqual({ status: 400, type: 'photo-too-large', fields: ['file'] });
  });
});

describe('who may add what', () => {
  test('those who order or work on the ticket may, others may not, and nobody a twenty-first', async () => {
    const resident = await city.as('resident');
    const { id } = await order(resident);
    const path = `/v1/tickets/${id}/evidence`;
    const pdf = Buffer.from('%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n');
    const statuses: Record<string, number> = {};
    for (const role of [
      'community_dispatcher',
      'building_head',
      'auditor',
      'district_supervisor',
      'volunteer',
    ] as const) {
      statuses[role] = (await send(await city.as(role), path, pdf, 'plan.pdf')).status;
    }
    expect(statuses).toEqual({
      community_dispatcher: 201,
      building_head: 201,
      auditor: 403,
      district_supervisor: 403,
      volunteer: 404,
    });
    expect((await send(city.with(undefined), path, pdf)).status).toBe(401);
    const { body } = await resident.get(`/v1/tickets/${id}`);
    expect(body.allowedActions).toContain('ATTACH');
    expect(body.evidence.map(({ kind, size }: { kind: string; size: number }) => ({ kind, size }))).toEqual(
      Array.from({ length: 2 }, () => ({ kind: 'DOCUMENT', size: pdf.length })),
    );
    for (let count = 2; count < 20; count += 1) expect((await send(resident, path, pdf)).status).toBe(201);
    const last = await send(resident, path, pdf);
    expect(last).toMatchObject({ status: 422, body: { type: 'urn:bandeng:problem:too-much-evidence' } });
    expect(last.body.fields).toMatchObject([{ field: 'file' }]);
    expect((await resident.get(`/v1/tickets/${id}`)).body.allowedActions).not.toContain('ATTACH');
    await resident.post(`/v1/tickets/${id}:withdraw`);
  });

  test('another system may that has the scope for it', async () => {
    const administrator = await city.as('administrator');
    const register = async (...scopes: string[]): Promise<Caller> => {
      const asked = { name: '12345', scopes, territory: city.plan.city };
      const { body } = await administrator.post('/v1/clients', asked);
      return city.with(await signInSystem(`${city.address}/oidc`, body.id, body.secret));
    };
    const hotline = await register('tickets.read', 'tickets.order', 'tickets.attach');
    const { id } = await order(hotline);
    const { status, body } = await send(hotline, `/v1/tickets/${id}/evidence`, photo);
    expect({ status, body }).toMatchObject({ status: 201, body: { evidence: [{ kind: 'PHOTO' }] } });
    expect(body.allowedActions).toContain('ATTACH');
    const reader = await register('tickets.read');
    expect((await send(reader, `/v1/tickets/${id}/evidence`, photo)).status).toBe(403);
  });

  test('a file opens by its own ticket alone', async () => {
    const resident = await city.as('resident');
    const [one, other] = [await order(resident), await order(resident)];
    const { body } = await send(resident, `/v1/tickets/${one.id}/evidence`, photo);
    const { file } = body.evidence[0];
    expect((await fetched(resident, `/v1/tickets/${other.id}/evidence/${file}`)).status).toBe(404);
    expect((await fetched(resident, `/v1/follow/${other.followCode}/evidence/${file}`)).status).toBe(404);
  });
});

describe('a photo and its ticket', () => {
  test('the ticket leaves as a table with the number of its files, and is found by its words', async () => {
    const resident = await city.as('resident');
    const key = { 'idempotency-key': crypto.randomUUID() };
    const text = '大修厂门口的充电桩坏了';
    const { body } = await resident.post('/v1/tickets', { text, territory: home, category }, key);
    expect((await send(resident, `/v1/tickets/${body.id}/evidence`, photo)).status).toBe(201);
    const dispatcher = await city.as('community_dispatcher');
    const found = await dispatcher.get(`/v1/tickets?words=${encodeURIComponent('充电桩 cdz')}`);
    expect(found.body.tickets.map(({ id }: { id: string }) => id)).toContain(body.id);
    const { body: csv } = await dispatcher.get(`/v1/tickets.csv?words=${encodeURIComponent('充电桩')}`);
    const [head = '', ...lines] = String(csv).slice(1).split('\r\n');
    const row = lines.find((line) => line.startsWith(body.number))?.split(',') ?? [];
    expect(row[head.split(',').indexOf('内容')]).toBe(text);
    expect(row[head.split(',').indexOf('附件数')]).toBe('1');
    const { status, bytes } = await fetched(dispatcher, '/v1/tickets.xlsx');
    expect({ status, begin: bytes.subarray(0, 2).toString() }).toEqual({ status: 200, begin: 'PK' });
  });

  test('goes with whoever brought it, and the ticket names it still', async () => {
    const volunteer = await city.as('volunteer');
    const { id } = await order(volunteer);
    const { body } = await send(volunteer, `/v1/tickets/${id}/evidence`, photo);
    const path = `/v1/tickets/${id}/evidence/${body.evidence[0].file}`;
    const dispatcher = await city.as('community_dispatcher');
    expect((await fetched(dispatcher, path)).status).toBe(200);
    const me = city.plan.accounts.find(({ login }) => login === 'volunteer')?.id;
    expect((await volunteer.post(`/v1/accounts/${me}:erase`)).status).toBe(200);
    await eventually(async () => expect((await fetched(dispatcher, path)).status).toBe(404), { within: 15_000 });
    const gone = await dispatcher.get(path);
    expect(gone.body.type).toBe('urn:bandeng:problem:file-erased');
    expect((await dispatcher.get(`/v1/tickets/${id}`)).body.evidence).toHaveLength(1);
  });
});
