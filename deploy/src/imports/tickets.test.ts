import { describe, expect, it } from 'vitest';
import { readSheet, withColumns } from './rows.ts';
import { columns, type Headers, headersOf, planTickets, sourceOf } from './tickets.ts';

const plan = (...rows: string[]) => {
  const text = [columns.join(','), ...rows].join('\n');
  return planTickets(withColumns(readSheet('hotline.csv', Buffer.from(text)), columns), {
    source: 'hotline',
    territory: '459901',
  });
};
const briefly = ({ faults }: ReturnType<typeof plan>) =>
  faults.map(({ row, column, reason }) => [row.row, column, reason]);

describe('planning orders from a file', () => {
  it('makes one text of subject and text, and an instant of the date', () => {
    const { orders, faults } = plan('7,李,路灯,2019-05-28T11:31:04+08:00,不亮,市政');
    expect(faults).toEqual([]);
    expect(orders).toMatchObject([
      {
        key: 'import:hotline:7',
        body: {
          source: 'hotline',
          sourceId: '7',
          territory: '459901',
          orderedAt: '2019-05-28T03:31:04.000Z',
          text: '路灯\n不亮',
          category: '市政',
          displayName: '李',
        },
      },
    ]);
  });

  it('takes the same row twice as one order, and another content under the same id as a fault of the later row', () => {
    const row = '7,李,路灯,2019-05-28T11:31:04+08:00,不亮,市政';
    const planned = plan(row, row, '7,李,路灯,2019-05-28T11:31:04+08:00,不亮,电力');
    expect(planned.orders).toHaveLength(1);
    expect(briefly(planned)).toEqual([[4, 'category', 'message_id 7 stands in row 2 already, with another category']]);
  });

  it('finds what is missing or no date, by row and column', () => {
    const planned = plan(
      ',李,路灯,2019-05-28T11:31:04+08:00,不亮,市政',
      '2,李,,2019-05-28T11:31:04+08:00,,市政',
      '3,李,路灯,2019-05-28T11:31:04+08:00,不亮,',
      '4,李,路灯,2019-05-28 11:31,不亮,市政',
      '5,李,路灯,2019-02-31T11:31:04+08:00,不亮,市政',
    );
    expect(planned.orders).toEqual([]);
    expect(briefly(planned).map(([row, column]) => [row, column])).toEqual([
      [2, 'message_id'],
      [3, 'text'],
      [4, 'category'],
      [5, 'sent_at'],
      [6, 'sent_at'],
    ]);
  });

  describe('with headers of another system', () => {
    const renamed: Headers = {
      message_id: '工单编号',
      sent_at: '受理时间',
      text: '诉求内容',
      category: '类别',
      place: '地址',
    };
    const header = '工单编号,受理时间,诉求内容,类别,地址,社区';
    const planned = (headers: Headers, offset: string | undefined, ...rows: string[]) => {
      const sheet = readSheet('12345.csv', Buffer.from([header, ...rows].join('\n')));
      const names = headersOf(headers, sheet.columns);
      const whole = withColumns(sheet, Object.values(names));
      return planTickets(whole, { source: 'hotline', territory: '459901', headers: names, offset });
    };

    it('takes what they mean, and tells faults by the headers of the file', () => {
      const { orders, faults, columnOf } = planned(
        renamed,
        '+08:00',
        '7,2019/5/28 11:31,不亮,市政,东门,x',
        '8,2019/5/28,,市政,,x',
      );
      expect(orders[0]?.body).toEqual({
        source: 'hotline',
        sourceId: '7',
        territory: '459901',
        orderedAt: '2019-05-28T03:31:00.000Z',
        text: '不亮',
        category: '市政',
        place: '东门',
      });
      expect(faults.map(({ column, reason }) => [column, reason])).toEqual([['诉求内容', 'is empty']]);
      expect(columnOf('category')).toBe('类别');
      expect(columnOf('displayName')).toBe('');
    });

    it('takes author and subject too where the file has them', () => {
      const own = 'message_id,author,subject,sent_at,text,类别';
      expect(headersOf({ category: '类别' }, own.split(','))).toEqual({
        message_id: 'message_id',
        author: 'author',
        subject: 'subject',
        sent_at: 'sent_at',
        text: 'text',
        category: '类别',
      });
      expect(headersOf({ text: 'subject' }, ['subject'])).not.toHaveProperty('subject');
    });

    it('takes the place row by row when a column says it', () => {
      const { orders, faults, columnOf } = planned(
        { ...renamed, territory: '社区' },
        '+08:00',
        '7,2019-05-28,不亮,市政,,459901001',
        '8,2019-05-28,不亮,市政,,',
      );
      expect(orders[0]?.body.territory).toBe('459901001');
      expect(columnOf('territory')).toBe('社区');
      expect(faults.map(({ column }) => column)).toEqual(['社区']);
    });

    it('needs an offset for dates that have none, and finds days that are not on the calendar', () => {
      expect(planned(renamed, undefined, '7,2019-05-28 11:31,不亮,市政,,').faults[0]?.column).toBe('受理时间');
      expect(planned(renamed, '+08:00', '7,2019-02-31 11:31,不亮,市政,,').faults[0]?.column).toBe('受理时间');
      expect(planned(renamed, '+08:00', '7,2019-05-28T11:31:04Z,不亮,市政,,').orders[0]?.body.orderedAt).toBe(
        '2019-05-28T11:31:04.000Z',
      );
    });
  });

  it('keys an id that a header cannot hold by its hash', () => {
    const [order] = plan('件七,李,路灯,2019-05-28T11:31:04+08:00,不亮,市政').orders;
    expect(order?.key).toMatch(/^import:[0-9a-f]{64}$/);
    expect(order?.body.sourceId).toBe('件七');
  });

  it('names the source after the file', () => {
    expect(sourceOf('/data/Hotline 2019 (final).csv')).toBe('hotline-2019-final');
    expect(sourceOf('来信.csv')).toBe('file');
    expect(sourceOf('/data/hotline.failed.csv')).toBe('hotline');
    expect(sourceOf('/data/hotline.failed.failed.csv')).toBe('hotline');
  });
});
