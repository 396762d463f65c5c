import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Town, town } from '@bandeng/testing/town';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../src/layout.ts';

let place: Town;
let directory: string;
beforeAll(async () => {
  [place, directory] = await Promise.all([town(), mkdtemp(join(tmpdir(), 'bandeng-import-'))]);
}, 120_000);
afterAll(async () => {
  await place.stop();
  await rm(directory, { recursive: true, force: true });
});

function bandeng(...args: string[]): Promise<{ code: number; lines: string[]; err: string }> {
  const node = ['--disable-warning=ExperimentalWarning', join(root, 'deploy/src/cli/main.ts'), ...args];
  const env = { ...process.env, BANDENG_URL: place.address, BANDENG_CALLED_FROM: directory };
  return new Promise((resolve) => {
    execFile(process.execPath, node, { cwd: root, env }, (thrown, out, err) => {
      resolve({ code: thrown ? Number(thrown.code ?? 1) : 0, lines: out.trim().split('\n'), err });
    });
  });
}

const file = (name: string, rows: string[]) => writeFile(join(directory, name), `\ufeff${rows.join('\r\n')}\r\n`);
const header = 'message_id,author,subject,sent_at,text,category';
const compound = () => place.plan.territories.find(({ code }) => code.length === 13)?.code ?? place.plan.city;

describe('importing', { timeout: 60_000 }, () => {
  it('takes categories over once, with their codes', async () => {
    await file('tree.csv', [
      'level1,level2,code',
      '城乡建设,供水,J1',
      '城乡建设,供电,J2',
      '交通,,J3',
      '城乡建设,供水,J1',
    ]);
    const call = ['import', 'categories', 'tree.csv', '--external-code', 'code'];
    expect(await bandeng(...call)).toMatchObject({ code: 0, lines: ['imported 3, already there 0, faults 0'] });
    expect(await bandeng(...call)).toMatchObject({ code: 0, lines: ['imported 0, already there 3, faults 0'] });
  });

  it('takes orders over once, and tells faults by row and column and in a file', async () => {
    const rows = Array.from(
      { length: 40 },
      (_, number) => `${number},A${number},路灯 ${number},2019-05-28T11:31:04+08:00,"不亮\n了",城乡建设`,
    );
    const wrong = [
      '7,A7,路灯 7,2019-05-28T11:31:04+08:00,另一件,城乡建设',
      '900,A1,路灯,yesterday,不亮,城乡建设',
      '901,A1,路灯,2019-05-28T11:31:04+08:00,不亮,没有这一类',
      `902,A1,路灯,2019-05-28T11:31:04+08:00,${'长'.repeat(4001)},城乡建设`,
    ];
    await file('messages.csv', [header, ...rows, ...wrong]);
    const call = ['import', 'tickets', 'messages.csv', '--territory', compound()];
    const first = await bandeng(...call);
    expect(first).toMatchObject({ code: 0 });
    expect(first.lines.slice(0, 4)).toEqual([
      'row 42, column text: message_id 7 stands in row 9 already, with another text',
      expect.stringMatching(/^row 43, column sent_at: 'yesterday' is no instant/),
      expect.stringMatching(/^row 44, column category: /),
      expect.stringMatching(/^row 45, column text: /),
    ]);
    expect(first.lines.at(-1)).toBe('imported 40, already there 0, faults 4');
    const failed = await readFile(join(directory, 'messages.failed.csv'), 'utf8');
    expect(failed.split('\r\n')).toHaveLength(6);
    expect(failed).toMatch(/^\ufeffmessage_id,author,subject,sent_at,text,category,reason\r\n7,A7,/);
    expect((await bandeng(...call)).lines.at(-1)).toBe('imported 0, already there 40, faults 4');
  });

  it('tells an order that came before with other content', async () => {
    const call = ['import', 'tickets', 'again.csv', '--territory', compound(), '--source', 'hotline'];
    await file('again.csv', [header, '1,,路灯,2019-05-28T11:31:04+08:00,不亮,城乡建设']);
    expect((await bandeng(...call)).lines.at(-1)).toBe('imported 1, already there 0, faults 0');
    await file('again.csv', [header, '1,,路灯,2019-05-28T11:31:04+08:00,很暗,城乡建设']);
    const { code, lines } = await bandeng(...call);
    expect(lines[0]).toBe('row 2, column message_id: The same id of this source came before with other content');
    expect(code).toBe(1);
  });

  it('tries first what would come of it, and takes nothing over', async () => {
    const rows = [
      '1,,路灯,2019-05-28T11:31:04+08:00,不亮,城乡建设',
      '2,,路灯,2019-05-28T11:31:04+08:00,不亮,没有这一类',
    ];
    await file('tried.csv', [header, ...rows]);
    const call = ['import', 'tickets', 'tried.csv', '--territory', compound()];
    const tried = await bandeng(...call, '--dry-run');
    expect(tried).toMatchObject({ code: 0 });
    expect(tried.lines[0]).toMatch(/^row 3, column category: /);
    expect(tried.lines.at(-1)).toBe('nothing imported: it would import 1, already there 0, faults 1');
    expect((await bandeng(...call)).lines.at(-1)).toBe('imported 1, already there 0, faults 1');
    const again = await bandeng(...call, '--dry-run');
    expect(again.lines.at(-1)).toBe('nothing imported: it would import 0, already there 1, faults 1');
    await file('paths.csv', ['level1,level2', '环境保护,噪音']);
    const paths = ['import', 'categories', 'paths.csv'];
    const would = 'nothing imported: it would import 1, already there 0, faults 0';
    for (const _ of [1, 2]) expect((await bandeng(...paths, '--dry-run')).lines).toEqual([would]);
    await bandeng(...paths);
    expect((await bandeng(...paths, '--dry-run')).lines.at(-1)).toContain('would import 0, already there 1');
  });

  it('takes files with other headers, dates without an offset, and a place in each row', async () => {
    await file('calls.csv', [
      '工单编号,受理时间,诉求内容,类别,社区',
      `A1,2019/5/28 11:31,路灯不亮,城乡建设,${compound()}`,
      'A2,2019/5/28 11:32,路灯不亮,城乡建设,459977',
    ]);
    const columns = ['message_id=工单编号', 'sent_at=受理时间', 'text=诉求内容', 'category=类别', 'territory=社区'];
    const call = ['import', 'tickets', 'calls.csv', ...columns.flatMap((column) => ['--column', column])];
    const { code, lines } = await bandeng(...call, '--offset', '+08:00');
    expect(code).toBe(0);
    expect(lines[0]).toMatch(/^row 3, column 社区: /);
    expect(lines.at(-1)).toBe('imported 1, already there 0, faults 1');
    for (const wrong of [
      ['--column', 'text'],
      ['--column', 'weather=天气'],
      ['--offset', 'China'],
      ['--territory', '45'],
    ]) {
      expect(await bandeng(...call, ...wrong)).toMatchObject({ code: 2 });
    }
    expect((await bandeng(...call.map((word) => word.replace('诉求内容', '内容')))).err).toContain(
      'so 内容 is missing',
    );
  });

  it('stops at once where no row could get through', async () => {
    await file('few.csv', [header, '1,,路灯,2019-05-28T11:31:04+08:00,不亮,城乡建设']);
    const nowhere = await bandeng('import', 'tickets', 'few.csv', '--territory', '459977');
    expect(nowhere).toMatchObject({ code: 1, err: expect.stringContaining('unknown-territory') });
    const header2 = await bandeng('import', 'tickets', 'tree.csv', '--territory', compound());
    expect(header2.err).toContain('its first row must name the columns message_id, author');
    expect(await bandeng('import', 'tickets', 'none.csv', '--territory', '45')).toMatchObject({ code: 1 });
    expect(await bandeng('import', 'people', 'few.csv')).toMatchObject({ code: 2 });
  });
});

describe('tokens of the demo', { timeout: 60_000 }, () => {
  it('are those of the person whose role is named', async () => {
    const { code, lines } = await bandeng('token', 'community_dispatcher');
    expect(code).toBe(0);
    const me = await place.with(lines[0]).get('/v1/me');
    expect(me).toMatchObject({ status: 200 });
    expect(JSON.stringify(me.body)).toContain('COMMUNITY_DISPATCHER');
  });

  it('are those of another system, and come with their end when asked', async () => {
    const { lines } = await bandeng('token', 'system', '--json');
    const { role, token, expires } = JSON.parse(lines.join('\n'));
    expect(role).toBe('system');
    expect(token.split('.')).toHaveLength(3);
    expect(Date.parse(expires)).toBeGreaterThan(Date.now());
  });

  it('are given to nobody else', async () => {
    const { code, err } = await bandeng('token', 'mayor');
    expect(code).toBe(1);
    expect(err).toContain("there is no demo login 'mayor'; there are: resident, volunteer");
  });
});
