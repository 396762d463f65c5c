import { importKey } from './keys.ts';
import type { Fault, Order, Plan, Sheet } from './rows.ts';

/** Names of the columns of a path, from the root; the file needs the first. */
const levels = ['level1', 'level2', 'level3', 'level4', 'level5'];

/** Plans the categories of a sheet: a row is a path. The same path again is the same category, counted once. */
export function planCategories(sheet: Sheet, externalCode?: string): Plan {
  const orders = new Map<string, Order>();
  const faults: Fault[] = [];
  for (const row of sheet.rows) {
    const names = levels.map((level) => row.cells[level] ?? '');
    const path = names.slice(0, names.findLastIndex((name) => name !== '') + 1);
    const gap = path.indexOf('');
    const column = levels[gap];
    if (column !== undefined) {
      faults.push({ row, column, reason: `${column} is empty, but something stands below it` });
      continue;
    }
    const key = importKey('category', ...path);
    const code = externalCode === undefined ? '' : (row.cells[externalCode] ?? '');
    const body = { path, ...(code === '' ? {} : { externalCode: code }) };
    const earlier = orders.get(key);
    if (!earlier) orders.set(key, { row, key, body });
    else if ((earlier.body.externalCode ?? '') !== code) {
      const reason = `the same category has another code in row ${earlier.row.row}`;
      faults.push({ row, column: externalCode ?? '', reason });
    }
  }
  return {
    path: '/v1/categories',
    orders: [...orders.values()],
    faults,
    columnOf: (field) => {
      if (field.startsWith('externalCode')) return externalCode ?? '';
      return levels[Number(/\d+/.exec(field)?.[0] ?? 0)] ?? '';
    },
  };
}
