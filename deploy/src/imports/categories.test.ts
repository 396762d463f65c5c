import { describe, expect, it } from 'vitest';
import { planCategories } from './categories.ts';
import { readSheet, withColumns } from './rows.ts';

const plan = (text: string, code?: string) =>
  planCategories(withColumns(readSheet('tree.csv', Buffer.from(text)), ['level1']), code);

describe('planning categories from a file', () => {
  it('takes a row as a path as deep as it is filled, each once', () => {
    const { orders, faults } = plan('level1,level2,level3\n城乡建设,供水,水压\n城乡建设,供水,水压\n交通,,\n');
    expect(orders.map(({ body }) => body)).toEqual([{ path: ['城乡建设', '供水', '水压'] }, { path: ['交通'] }]);
    expect(faults).toEqual([]);
  });

  it('finds a gap in a path', () => {
    const { faults } = plan('level1,level2,level3\n城乡建设,,水压\n');
    expect(faults).toMatchObject([{ row: { row: 2 }, column: 'level2' }]);
  });

  it('takes the code of a column, and finds two codes for one category', () => {
    const { orders, faults } = plan('level1,code\n交通,J1\n交通,J1\n交通,J2\n', 'code');
    expect(orders.map(({ body }) => body)).toEqual([{ path: ['交通'], externalCode: 'J1' }]);
    expect(faults).toMatchObject([
      { row: { row: 4 }, column: 'code', reason: 'the same category has another code in row 2' },
    ]);
  });

  it('tells which column a field of the request came from', () => {
    const { columnOf } = plan('level1\n交通\n', 'code');
    expect([columnOf('path[1]'), columnOf('path'), columnOf('externalCode')]).toEqual(['level2', 'level1', 'code']);
  });
});
