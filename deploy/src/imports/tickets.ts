import { importKey } from './keys.ts';
import type { Fault, Order, Plan, Row, Sheet } from './rows.ts';

/** What the file's first row has to name. */
export const columns = ['message_id', 'author', 'subject', 'sent_at', 'text', 'category'];

const columnOfField: Readonly<Record<string, string>> = {
  sourceId: 'message_id',
  orderedAt: 'sent_at',
  displayName: 'author',
  text: 'text',
  category: 'category',
};

/**
 * Plans the orders of a sheet. A source id that stands twice with the same content is one order; with other content the
 * later row is a fault. The text is subject and text, a line each.
 */
export function planTickets(sheet: Sheet, options: { source: string; territory: string }): Plan {
  const orders = new Map<string, Order>();
  const faults: Fault[] = [];
  for (const row of sheet.rows) {
    const read = readRow(row);
    if ('reason' in read) {
      faults.push(read);
      continue;
    }
    const id = read.sourceId;
    const earlier = orders.get(id);
    if (!earlier) {
      const body = { source: options.source, territory: options.territory, ...read };
      orders.set(id, { row, key: importKey(options.source, id), body });
      continue;
    }
    const other = columns.find((column) => row.cells[column] !== earlier.row.cells[column]);
    if (other) {
      const reason = `message_id ${id} stands in row ${earlier.row.row} already, with another ${other}`;
      faults.push({ row, column: other, reason });
    }
  }
  return {
    path: '/v1/tickets:import',
    orders: [...orders.values()],
    faults,
    columnOf: (field) => columnOfField[field] ?? '',
  };
}

interface Read {
  sourceId: string;
  orderedAt: string;
  text: string;
  category: string;
  displayName?: string;
}

function readRow(row: Row): Read | Fault {
  const { message_id: sourceId = '', author = '', subject = '', sent_at = '', text = '', category = '' } = row.cells;
  if (sourceId === '') return { row, column: 'message_id', reason: 'is empty' };
  if (subject === '' && text === '') return { row, column: 'text', reason: 'is empty, and so is the subject' };
  if (category === '') return { row, column: 'category', reason: 'is empty' };
  const orderedAt = instantOf(sent_at);
  if (!orderedAt) {
    const reason = `'${sent_at}' is no instant with its offset, such as 2019-05-28T11:31:04+08:00`;
    return { row, column: 'sent_at', reason };
  }
  const words = [subject, text].filter((part) => part !== '').join('\n');
  return { sourceId, orderedAt, text: words, category, ...(author === '' ? {} : { displayName: author }) };
}

function instantOf(text: string): string | undefined {
  const shape = /^(\d{4})-(\d{2})-(\d{2})[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/.exec(text);
  const instant = shape ? new Date(text.replace(' ', 'T')) : undefined;
  if (!instant || Number.isNaN(instant.getTime())) return undefined;
  // Date takes 31 February for 3 March.
  const day = new Date(Date.UTC(Number(shape?.[1]), Number(shape?.[2]) - 1, Number(shape?.[3])));
  return day.getUTCDate() === Number(shape?.[3]) ? instant.toISOString() : undefined;
}

/** A source's name as the contract takes it, made of a file's name. */
export function sourceOf(file: string): string {
  const name = file.replace(/^.*\//, '').replace(/\.[^.]*$/, '');
  const words = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return words.slice(0, 40) || 'file';
}
