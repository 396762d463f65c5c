import { describe, expect, it } from 'vitest';
import { readSheet, withColumns } from './rows.ts';

const sheet = (text: string | Uint8Array, needed: string[] = ['a', 'b']) =>
  withColumns(readSheet('/somewhere/list.csv', typeof text === 'string' ? Buffer.from(text) : text), needed);

describe('reading a CSV file', () => {
  it('takes a BOM, quotes, line breaks within a cell, and any line ends', () => {
    const { columns, rows } = sheet('\ufeffa,b,c\r\n"1 ""x""","two\r\nlines",3\r\n4,5,6\n');
    expect(columns).toEqual(['a', 'b', 'c']);
    expect(rows).toEqual([
      { row: 2, cells: { a: '1 "x"', b: 'two\r\nlines', c: '3' } },
      { row: 3, cells: { a: '4', b: '5', c: '6' } },
    ]);
  });

  it('takes line ends as they come, also several in one file', () => {
    const { rows } = sheet('a,b\r\n1,2\n3,4\n5,6\r\n7,8\r9,10');
    expect(rows.map(({ row, cells }) => [row, cells.a, cells.b])).toEqual([
      [2, '1', '2'],
      [3, '3', '4'],
      [4, '5', '6'],
      [5, '7', '8'],
      [6, '9', '10'],
    ]);
  });

  it('takes no half of a text for the whole: a row with more than the header names is a fault', () => {
    const { rows, faults } = sheet('a,b\n1,灯坏了,请今天来修\n2,灯坏了,,\n3,"灯坏了,请今天来修"\n');
    expect(rows.map(({ row }) => row)).toEqual([3, 4]);
    expect(faults).toMatchObject([{ row: { row: 2 }, reason: expect.stringContaining("'请今天来修'; a text") }]);
  });

  it('counts rows as a spreadsheet does, also over empty ones', () => {
    expect(sheet('a,b\n1,2\n,\n\n3,4\n').rows.map(({ row }) => row)).toEqual([2, 5]);
  });

  it('takes a row that is too short as one with empty cells', () => {
    expect(sheet('a,b\n1\n').rows).toEqual([{ row: 2, cells: { a: '1', b: '' } }]);
  });

  it('names the columns it needs, those it found and those that are missing', () => {
    expect(() => sheet('b;c\n')).toThrow(
      'list.csv: its first row must name the columns a, b; it names b;c, so a, b is missing',
    );
    expect(() => sheet('')).toThrow('it names nothing');
    expect(() => sheet('a,b,a\n')).toThrow('the column a stands there twice');
  });

  it('says what to do about another encoding, and where a quote is not closed', () => {
    expect(() => sheet(Uint8Array.of(0xc4, 0xe3, 0x2c, 0x62))).toThrow("save it as 'CSV UTF-8'");
    expect(() => sheet('a,b\n"1,2\n')).toThrow(/list\.csv is not a CSV file: Quote Not Closed/);
  });
});
