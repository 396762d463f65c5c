import { describe, expect, it } from 'vitest';
import { readSheet } from './rows.ts';
import { columns, planTickets, sourceOf } from './tickets.ts';

const plan = (...rows: string[]) => {
  const text = [columns.join(','), ...rows].join('\n');
  return planTickets(readSheet('hotline.csv', Buffer.from(text), columns), { source: 'hotline', territory: '459901' });
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

  it('keys an id that a header cannot hold by its hash', () => {
    const [order] = plan('件七,李,路灯,2019-05-28T11:31:04+08:00,不亮,市政').orders;
    expect(order?.key).toMatch(/^import:[0-9a-f]{64}$/);
    expect(order?.body.sourceId).toBe('件七');
  });

  it('names the source after the file', () => {
    expect(sourceOf('/data/Hotline 2019 (final).csv')).toBe('hotline-2019-final');
    expect(sourceOf('来信.csv')).toBe('file');
  });
});
