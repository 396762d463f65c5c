import { describe, expect, test } from 'vitest';
import { csvLine } from './csv.ts';

describe('a line of CSV', () => {
  test('keeps commas, quotes and line ends inside their cell', () => {
    expect(csvLine(['楼道灯坏了', '一,二', '说"好"', '两\n行', 3, ''])).toBe(
      '楼道灯坏了,"一,二","说""好""","两\n行",3,\r\n',
    );
  });

  test.each(['=1+1', '+86 138', '-1', '@SUM(A1)', '\t=1', '\r=1', '＝1＋1', '=HYPERLINK("http://x","点")'])(
    'never begins a formula: %j',
    (text) => {
      expect(csvLine([text])).toMatch(/^"?'/);
    },
  );

  test('lets numbers be numbers, also below zero', () => {
    expect(csvLine([-1, 0.5])).toBe('-1,0.5\r\n');
  });
});
