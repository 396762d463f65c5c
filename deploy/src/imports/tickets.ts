import { importKey } from './keys.ts';
import type { Fault, Order, Plan, Row, Sheet } from './rows.ts';

/** What a ticket takes from a row, by the names that our own files give their columns. */
const fields = {
  message_id: 'sourceId',
  author: 'displayName',
  subject: 'text',
  sent_at: 'orderedAt',
  text: 'text',
  category: 'category',
  territory: 'territory',
  place: 'place',
} as const;
export type TicketColumn = keyof typeof fields;

/** Everything that a row can say. */
export const ticketColumns = Object.keys(fields).filter(isTicketColumn);

/** The columns of our own files. */
export const columns: readonly TicketColumn[] = ['message_id', 'author', 'subject', 'sent_at', 'text', 'category'];
/** Whatever a file calls them, these it must have. */
const needed: readonly TicketColumn[] = ['message_id', 'sent_at', 'text', 'category'];

/** Under which header a file has each column. */
export type Headers = Readonly<Partial<Record<TicketColumn, string>>>;

export function isTicketColumn(name: string): name is TicketColumn {
  return Object.hasOwn(fields, name);
}

/**
 * The headers of a file in which some columns are called otherwise. Then author and subject may be missing among those it has, and
 * territory and place may be there.
 */
export function headersOf(renamed: Headers, has: readonly string[]): Headers {
  const asOurs = (those: readonly TicketColumn[]): Headers =>
    Object.fromEntries(those.map((column) => [column, column]));
  if (Object.keys(renamed).length === 0) return asOurs(columns);
  const taken = Object.values(renamed);
  const ours = columns.filter((column) => needed.includes(column) || (has.includes(column) && !taken.includes(column)));
  return { ...asOurs(ours), ...renamed };
}

export interface TicketOptions {
  readonly source: string;
  /** Where the orders are for, unless a column says so row by row. */
  readonly territory: string;
  readonly headers?: Headers;
  /** Offset of instants that say none, such as `+08:00`; left out, they must say one. */
  readonly offset?: string | undefined;
}

/**
 * Plans the orders of a sheet. A source id that stands twice with the same content is one order; with other content the
 * later row is a fault. The text is subject and text, a line each.
 */
export function planTickets(sheet: Sheet, options: TicketOptions): Plan {
  const { headers = headersOf({}, sheet.columns) } = options;
  const used = Object.values(headers);
  const orders = new Map<string, Order>();
  const faults: Fault[] = [];
  for (const row of sheet.rows) {
    const read = readRow(row, headers, options);
    if ('reason' in read) {
      faults.push(read);
      continue;
    }
    const id = read.sourceId;
    const earlier = orders.get(id);
    if (!earlier) {
      const body = { source: options.source, ...read };
      orders.set(id, { row, key: importKey(options.source, id), body });
      continue;
    }
    const other = used.find((header) => row.cells[header] !== earlier.row.cells[header]);
    if (other) {
      const reason = `${headers.message_id} ${id} stands in row ${earlier.row.row} already, with another ${other}`;
      faults.push({ row, column: other, reason });
    }
  }
  const headerOf = (column: TicketColumn): string => headers[column] ?? '';
  return {
    path: '/v1/tickets:import',
    orders: [...orders.values()],
    faults,
    columnOf: (field) =>
      ticketColumns
        .filter((column) => fields[column] === field)
        .map(headerOf)
        .at(-1) ?? '',
  };
}

interface Read {
  sourceId: string;
  orderedAt: string;
  text: string;
  category: string;
  territory: string;
  displayName?: string;
  place?: string;
}

function readRow(row: Row, headers: Headers, options: TicketOptions): Read | Fault {
  const cell = (column: TicketColumn): string => row.cells[headers[column] ?? ''] ?? '';
  const fault = (column: TicketColumn, reason: string): Fault => ({ row, column: headers[column] ?? '', reason });
  const [sourceId, author, category, place] = [cell('message_id'), cell('author'), cell('category'), cell('place')];
  const words = [cell('subject'), cell('text')].filter((part) => part !== '').join('\n');
  const territory = headers.territory === undefined ? options.territory : cell('territory');
  if (sourceId === '') return fault('message_id', 'is empty');
  if (words === '')
    return fault('text', headers.subject === undefined ? 'is empty' : 'is empty, and so is the subject');
  if (category === '') return fault('category', 'is empty');
  if (territory === '') return fault('territory', 'is empty');
  const orderedAt = instantOf(cell('sent_at'), options.offset);
  if (!orderedAt) {
    const wish =
      options.offset === undefined ? 'instant with its offset, such as 2019-05-28T11:31:04+08:00' : 'instant';
    return fault('sent_at', `'${cell('sent_at')}' is no ${wish}`);
  }
  return {
    sourceId,
    orderedAt,
    text: words,
    category,
    territory,
    ...(author === '' ? {} : { displayName: author }),
    ...(place === '' ? {} : { place }),
  };
}

/** An instant as spreadsheets and systems write it: with `/` or `-`, with or without seconds, and a day alone is its midnight. */
function instantOf(text: string, offset: string | undefined): string | undefined {
  const form =
    /^(?<year>\d{4})[-/](?<month>\d{1,2})[-/](?<day>\d{1,2})(?:[T ]+(?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2})(?<rest>\.\d{1,9})?)?)?(?<zone>Z|[+-]\d{2}:\d{2})?$/;
  const {
    year,
    month,
    day,
    hour = '0',
    minute = '00',
    second = '00',
    rest = '',
    zone = offset,
  } = form.exec(text)?.groups ?? {};
  if (year === undefined || month === undefined || day === undefined || zone === undefined) return undefined;
  const date = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  const instant = new Date(`${date}T${hour.padStart(2, '0')}:${minute}:${second}${rest}${zone}`);
  if (Number.isNaN(instant.getTime())) return undefined;
  // Date takes 31 February for 3 March.
  return new Date(`${date}T00:00:00Z`).toISOString().startsWith(date) ? instant.toISOString() : undefined;
}

/** A source's name as the contract takes it, made of a file's name; the rows with faults of a file are of the same source. */
export function sourceOf(file: string): string {
  const name = file.replace(/^.*\//, '').replace(/(\.failed)*\.[^.]*$/, '');
  const words = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return words.slice(0, 40) || 'file';
}
