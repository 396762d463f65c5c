import { connect, type Socket } from 'node:net';
import { refuse } from '@bandeng/decider';
import { eventually } from '@bandeng/testing';
import { Workbook } from '@cj-tech-master/excelts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configure } from '../src/config.ts';
import { type Answers, openStand, type Stand, tokenOf } from './stand.ts';

/** Lists that leave as files, before services that answer as a test says. */

const texts = ['路灯坏了', '=HYPERLINK("http://x","点")', '一,二', '第一行\n第二行', '说"好"', '带控制符\u0007的'];
const ticket = (index: number) => ({
  id: `ticket-${index}`,
  version: 1,
  number: `459902-20261124-${String(index).padStart(6, '0')}`,
  status: index % 2 === 0 ? 'ORDERED' : 'RATED',
  text: texts[index % texts.length],
  territory: '459902001001501',
  category: '城乡建设.园林绿化',
  urgency: 'ORDINARY',
  source: 'RESIDENT',
  handler: index % 2 === 0 ? undefined : { handler: { $case: 'unit', value: 'parks' } },
  orderedAt: new Date('2026-11-24T02:03:04Z'),
  changedAt: new Date('2026-11-24T02:03:04Z'),
  overdue: index === 1,
  rating: index % 2 === 0 ? undefined : 'VERY_SATISFIED',
  reopened: 0,
});
let breaksAt = Number.POSITIVE_INFINITY;
let lookUps = 0;
const total = 250;
const asked: object[] = [];
const at = new Date('2026-11-24T02:03:04Z');
const atInChina = new Date('2026-11-24T10:03:04Z');

const answers: Answers = {
  ListTickets: (request: { pageSize: number; pageToken: string; words: string }) => {
    asked.push(request);
    if (request.words === '灯') return refuse('not-in-this-state');
    const from = Number(request.pageToken || '0');
    if (from >= breaksAt) throw new Error('away');
    const to = Math.min(total, from + request.pageSize);
    const tickets = Array.from({ length: to - from }, (_, index) => ticket(from + index));
    return { tickets, nextPageToken: to < total ? String(to) : '' };
  },
  GetTerritory: ({ id }: { id: string }) => {
    lookUps += 1;
    return { id, name: '大修厂小区' };
  },
  GetUnit: () => ({ id: 'parks', name: '园林局' }),
  ListUnits: () => ({
    units: [{ id: 'u1', name: '园林局', kind: 'CITY_ORGAN', territory: '4599' }],
    nextPageToken: '',
  }),
  ListPostings: () => ({
    postings: [{ id: 'p1', person: 'mei', role: 'ORGAN_LIAISON', unit: 'parks' }],
    nextPageToken: '',
  }),
  ListCategories: () => ({
    categories: [{ id: '城乡.道路', path: ['城乡', '道路'], externalCode: '=01' }],
    nextPageToken: '',
  }),
  ListTerritories: ({ parent }: { parent: string }) => {
    const id = '459902001001501003';
    return {
      territories: parent === '4599' ? [] : [{ id, kind: 'BUILDING', name: '3号楼', parent: id.slice(0, 15) }],
      nextPageToken: '',
    };
  },
  ListClients: () => ({
    clients: [{ id: 'c1', name: '城管平台', scopes: ['events', 'tickets.read'], territory: '4599' }],
    nextPageToken: '',
  }),
  ListMyContactReadings: () => ({
    contactReadings: [
      {
        id: 'r1',
        at,
        reader: 'li',
        readerName: '李',
        role: 'COMMUNITY_DISPATCHER',
        place: '花园社区',
        reason: '=回访',
      },
    ],
    nextPageToken: '',
  }),
  ListInbox: ({ unread }: { unread: boolean }, { language }: { language: string }) => ({
    notices: unread
      ? []
      : [{ id: 'n1', at, title: language === 'en' ? 'Accepted' : '已接单', body: '编号 1', ticket: 't1' }],
    nextPageToken: '',
  }),
  ListMyDeliveries: () => ({
    deliveries: [
      {
        id: 'd1',
        plannedAt: at,
        channel: 'EMAIL',
        kind: 'TASK',
        status: 'FAILED',
        endedAt: at,
        tries: 5,
        reason: 'server-away',
        nextChannel: 'INBOX',
      },
      { id: 'd2', plannedAt: at, channel: 'EMAIL', kind: 'RESULT', status: 'SENT', endedAt: at, tries: 1, reason: '' },
    ],
    nextPageToken: '',
  }),
  ListFailedDeliveries: ({ channel }: { channel: string }) =>
    channel === 'INBOX'
      ? refuse('not-permitted')
      : {
          deliveries: [{ id: 'd1', person: 'mei', channel: 'EMAIL', reason: 'no-address', failedAt: at, tries: 1 }],
          nextPageToken: '',
        },
};

let stand: Stand;

/** A list that goes on for ever, with words that do not grow smaller in a workbook. */
const endless: Answers = {
  ...answers,
  ListTickets: () => ({
    tickets: Array.from({ length: 100 }, () => {
      const text = Array.from({ length: 60 }, () => Math.random().toString(36)).join('路');
      return { ...ticket(1), text };
    }),
    nextPageToken: 'more',
  }),
};

/** Somebody who asks for all tickets and takes nothing of them. */
function stalledReader(url: string, form: string, token = tokenOf({ kind: 'person', id: 'p1' })): Socket {
  const socket = connect(Number(new URL(url).port), '127.0.0.1').pause();
  socket.on('error', () => {});
  socket.write(`GET /v1/tickets.${form} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`);
  return socket;
}

let address: string;
const signedIn = { authorization: `Bearer ${tokenOf({ kind: 'person', id: 'p1' })}` };

beforeAll(async () => {
  stand = await openStand({ answers, configuration: { exportRows: 300 } });
  address = await stand.gateway.app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => stand[Symbol.asyncDispose]());

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(address + path, { headers: { ...signedIn, ...headers } });

/** Reads a workbook with a library that others wrote. */
async function sheetOf(answer: Response): Promise<{ name: string; rows: unknown[][] }> {
  const workbook = new Workbook();
  await workbook.xlsx.load(new Uint8Array(await answer.arrayBuffer()));
  const [sheet] = workbook.worksheets;
  const rows: unknown[][] = [];
  sheet?.eachRow((row) => {
    const values: unknown = row.values;
    rows.push(Array.isArray(values) ? values.slice(1) : []);
  });
  return { name: sheet?.name ?? '', rows };
}

describe('a list as CSV', () => {
  test('has all its pages, a line of names, and the mark by which Excel knows UTF-8', async () => {
    const answer = await get('/v1/tickets.csv?status=ORDERED&territory=459902');
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'cache-control': 'private, no-store',
      'content-disposition': expect.stringMatching(
        /^attachment; filename="tickets-\d{4}-\d\d-\d\d\.csv"; filename\*=UTF-8''/,
      ),
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect([...bytes.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
    const lines = bytes.toString().slice(1).split('\r\n');
    expect(lines[0]).toMatch(/^编号,状态,下单时间,属地,属地代码,类别,/);
    expect(lines[1]).toMatch(
      /^459902-20261124-000000,待派单,2026-11-24 10:03:04,大修厂小区,459902001001501,城乡建设\.园林绿化,一般,路灯坏了,/,
    );
    expect(lines.filter((line) => line.startsWith('459902-'))).toHaveLength(total);
    expect(asked.at(-1)).toMatchObject({ status: 'ORDERED', territory: '459902', pageSize: 100 });
  });

  test('runs no formula that a resident wrote', async () => {
    const csv = await (await get('/v1/tickets.csv')).text();
    expect(csv).toContain(`"'=HYPERLINK(""http://x"",""点"")"`);
    expect(await (await get('/v1/categories.csv')).text()).toContain("'=01");
  });

  test('speaks the language of whoever asks', async () => {
    const csv = await (await get('/v1/tickets.csv', { 'accept-language': 'en' })).text();
    expect(csv).toMatch(/^Number,Status,Ordered at,/);
    expect(csv).toContain(',rated,');
    expect(csv).toContain(',very satisfied,');
  });

  test('asks for each name once', async () => {
    lookUps = 0;
    await (await get('/v1/tickets.csv')).text();
    expect(lookUps).toBe(1);
  });
});

describe('a list as a workbook', () => {
  test('keeps the code of a building whole, as text', async () => {
    const { rows } = await sheetOf(await get('/v1/territories.xlsx'));
    expect(rows[1]?.[1]).toBe('459902001001501003');
    expect(await (await get('/v1/territories.csv')).text()).toContain('3号楼,459902001001501003,');
  });

  test('opens with a line of names, texts as they are, and instants that are instants', async () => {
    const answer = await get('/v1/tickets.xlsx');
    expect(answer.headers.get('content-type')).toBe(
      'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    );
    const { name, rows } = await sheetOf(answer);
    expect(name).toBe('工单');
    expect(rows).toHaveLength(total + 1);
    expect(rows[0]?.slice(0, 3)).toEqual(['编号', '状态', '下单时间']);
    expect(rows[2]?.slice(0, 8)).toEqual([
      '459902-20261124-000001',
      '已评价',
      new Date('2026-11-24T10:03:04Z'),
      '大修厂小区',
      '459902001001501',
      '城乡建设.园林绿化',
      '一般',
      '=HYPERLINK("http://x","点")',
    ]);
    expect(rows[6]?.[7]).toBe('带控制符的');
    expect(rows[2]).toContain('园林局');
  });

  test.each([
    ['units', '单位', ['园林局', '市直机关', '大修厂小区']],
    ['postings', '任职', ['单位联络员', '园林局']],
    ['categories', '类别', ['城乡', '道路']],
    ['territories', '属地', ['3号楼', '459902001001501003', '楼栋', '大修厂小区', '459902001001501']],
    ['clients', '接入系统', ['城管平台', 'events; tickets.read', '大修厂小区', '4599']],
    ['me/contact-readings', '联系方式查看记录', [atInChina, '李', '社区派单员', '花园社区', '=回访', 'li']],
    ['inbox', '消息', [atInChina, '已接单', '编号 1']],
    ['failed-deliveries', '发送失败', [atInChina, '电子邮件', '没有地址', 1, 'mei', 'd1']],
  ])('%s leave as well', async (list, title, cells) => {
    const answer = await get(`/v1/${list}.xlsx`);
    const file = `filename="${list.replace('me/', '')}-`;
    expect(answer.headers.get('content-disposition')).toContain(file);
    const { name, rows } = await sheetOf(answer);
    expect(name).toBe(title);
    expect(rows[1]?.slice(0, cells.length)).toEqual(cells);
  });

  test('what was sent leaves with why it did not arrive, in words', async () => {
    const { name, rows } = await sheetOf(await get('/v1/me/deliveries.xlsx'));
    expect(name).toBe('发送记录');
    const cells = [atInChina, '电子邮件', '待办', '发送失败', undefined, atInChina, 5, '服务器连不上', '站内消息'];
    expect(rows[1]?.slice(0, cells.length)).toEqual(cells);
    const english = await (await get('/v1/me/deliveries.csv', { 'accept-language': 'en' })).text();
    expect(english).toContain('2026-11-24 10:03:04,e-mail,result,sent,,2026-11-24 10:03:04,1,,,,,d2\r\n');
  });
});

describe('a list that is too long', () => {
  test('ends at the most rows and says so', async () => {
    await using small = await openStand({ answers, configuration: { exportRows: 120 } });
    const at = await small.gateway.app.listen({ host: '127.0.0.1', port: 0 });
    const csv = await (await fetch(`${at}/v1/tickets.csv`, { headers: signedIn })).text();
    expect(csv.split('\r\n').filter((line) => line.startsWith('459902-'))).toHaveLength(120);
    expect(csv).toContain('只导出了前 120 行');
    const english = await fetch(`${at}/v1/tickets.xlsx`, { headers: { ...signedIn, 'accept-language': 'en' } });
    const { rows } = await sheetOf(english);
    expect(rows).toHaveLength(122);
    expect(rows.at(-1)?.[0]).toBe('Only the first 120 rows are here. Narrow the list to export the rest.');
  });
});

describe('an export that cannot be', () => {
  test('is refused as the list is, before any of it is sent', async () => {
    expect((await get('/v1/tickets.csv?words=%E7%81%AF')).status).toBe(409);
    const unknown = await get('/v1/tickets.xlsx?colour=red&pageSize=3');
    expect(unknown.status).toBe(400);
    expect(Object(await unknown.json()).fields.map(({ field }: { field: string }) => field)).toEqual([
      'colour',
      'pageSize',
    ]);
    expect((await get('/v1/tickets.csv?status=NEVER')).status).toBe(400);
    expect((await fetch(`${address}/v1/tickets.csv`)).status).toBe(401);
    expect((await fetch(`${address}/v1/tickets.csv`, { method: 'POST', headers: signedIn })).status).toBe(405);
  });

  test('takes the filters of its list and no others', async () => {
    expect((await (await get('/v1/inbox.csv?unread=true')).text()).trim().split('\r\n')).toHaveLength(1);
    expect((await (await get('/v1/territories.csv?parent=4599')).text()).trim().split('\r\n')).toHaveLength(1);
    expect((await get('/v1/failed-deliveries.csv?channel=INBOX')).status).toBe(403);
    expect((await get('/v1/failed-deliveries.csv?channel=PIGEON')).status).toBe(400);
    expect((await get('/v1/territories.csv?parent=x')).status).toBe(400);
    const lists = ['territories', 'clients', 'inbox', 'failed-deliveries', 'me/deliveries', 'me/contact-readings'];
    for (const path of lists.flatMap((list) => [`/v1/${list}.csv`, `/v1/${list}.xlsx`])) {
      const unknown = await get(`${path}?pageToken=x&colour=red`);
      expect(unknown.status, path).toBe(400);
      const fields = Object(await unknown.json()).fields.map(({ field }: { field: string }) => field);
      expect(fields.toSorted(), path).toEqual(['colour', 'pageToken']);
    }
  });

  test('asks for a token where the list does', async () => {
    const status = async (list: string) => (await fetch(`${address}/v1/${list}.csv`)).status;
    expect(await status('territories')).toBe(200);
    expect(await status('categories')).toBe(200);
    for (const list of ['clients', 'inbox', 'failed-deliveries', 'me/deliveries', 'me/contact-readings']) {
      expect(await status(list), list).toBe(401);
    }
  });

  test.each(['csv', 'xlsx'])(
    'breaks off when a later page fails, so that no half of it looks whole: %s',
    async (form) => {
      breaksAt = 100;
      const answer = await get(`/v1/tickets.${form}`);
      expect(answer.status).toBe(200);
      await expect(answer.arrayBuffer()).rejects.toThrow();
      breaksAt = Number.POSITIVE_INFINITY;
      expect((await get(`/v1/tickets.${form}`)).status).toBe(200);
    },
  );

  test('leaves its place when a slow reader goes away in the middle of it', async () => {
    await using other = await openStand({ answers: endless });
    const url = await other.gateway.app.listen({ host: '127.0.0.1', port: 0 });
    const readers = Array.from({ length: 8 }, (_, index) =>
      stalledReader(url, 'csv', tokenOf({ kind: 'person', id: `reader ${index % 4}` })),
    );
    const status = async () => {
      const answer = await fetch(`${url}/v1/categories.csv`, { headers: signedIn });
      await answer.body?.cancel();
      return answer.status;
    };
    // Eight at once: all places are held, and go on being held while nobody reads on.
    await expect.poll(status).toBe(503);
    let calls = -1;
    await eventually(() => {
      const before = calls;
      calls = other.calls.length;
      expect(calls).toBe(before);
    });
    expect(await status()).toBe(503);
    for (const reader of readers) reader.destroy();
    await expect.poll(status).toBe(200);
    expect(other.lines.filter((line) => line.includes('an export broke off'))).toEqual([]);
  });

  test.each(['csv', 'xlsx'])('is cut off for whoever takes nothing of it, and leaves its place: %s', async (form) => {
    const { streams } = configure({});
    await using other = await openStand({
      answers: endless,
      configuration: { streams: { ...streams, patienceMs: 300 } },
    });
    const url = await other.gateway.app.listen({ host: '127.0.0.1', port: 0 });
    const stalled = stalledReader(url, form);
    await eventually(() => expect(other.lines.some((line) => line.includes('an export broke off'))).toBe(true), {
      within: 15_000,
    });
    stalled.destroy();
  });

  test('ends nothing else when whoever asked goes away before its first row is written', async () => {
    const asked = Promise.withResolvers<void>();
    const never: Answers = {
      ...answers,
      GetTerritory: (_request: never, call: { signal: AbortSignal }) =>
        new Promise((_, reject) => {
          asked.resolve();
          call.signal.addEventListener('abort', () => reject(new Error('nobody waits for it')));
        }),
    };
    await using own = await openStand({ answers: never });
    const there = await own.gateway.app.listen({ port: 0, host: '127.0.0.1' });
    const leave = new AbortController();
    const leaving = fetch(`${there}/v1/tickets.csv`, { headers: signedIn, signal: leave.signal });
    const left = leaving.then((answer) => answer.text());
    await asked.promise;
    leave.abort();
    await expect(left).rejects.toThrow(/abort/);
    expect(await (await fetch(`${there}/v1/categories.csv`, { headers: signedIn })).text()).toContain('城乡.道路');
  });
});
