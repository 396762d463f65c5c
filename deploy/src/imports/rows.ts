import { basename } from 'node:path';
import { parse } from 'csv-parse/sync';
import { Mendable, messageOf } from '../embedded/fault.ts';

/** A row of a file, counted as a spreadsheet does: the header is row 1. */
export interface Row {
  readonly row: number;
  readonly cells: Readonly<Record<string, string>>;
}

/** What is wrong with a row, and in which column, where it is one. */
export interface Fault {
  readonly row: Row;
  readonly column: string;
  readonly reason: string;
}

export interface Sheet {
  /** The file's name. */
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
  /** Rows that say more than the header has names for. */
  readonly faults: readonly Fault[];
}

/**
 * Reads a CSV file: UTF-8 with or without BOM, quotes, any line ends, also several; cells are trimmed, empty rows are left out.
 * Throws `Mendable` when it cannot be read.
 */
export function readSheet(file: string, bytes: Uint8Array): Sheet {
  const name = basename(file);
  const [header = [], ...records] = parseRecords(name, decode(name, bytes));
  const columns = header.map((column) => column.trim());
  const rows: Row[] = [];
  const faults: Fault[] = [];
  for (const [index, record] of records.entries()) {
    const row = { row: index + 2, cells: cellsOf(columns, record) };
    const beyond = record.slice(columns.length).join(', ').trim();
    // Half a text would be taken for the whole.
    if (/[^\s,]/.test(beyond)) faults.push({ row, column: '', reason: surplus(beyond) });
    else if (Object.values(row.cells).some((cell) => cell !== '')) rows.push(row);
  }
  return { name, columns, rows, faults };
}

/** The sheet itself, if it has these columns, each once. Throws `Mendable` when it lacks one, naming those it needs. */
export function withColumns(sheet: Sheet, needed: readonly string[]): Sheet {
  const { name, columns } = sheet;
  const missing = needed.filter((column) => !columns.includes(column));
  if (missing.length > 0) {
    const found = columns.length > 0 ? columns.join(', ') : 'nothing';
    const needs = `its first row must name the columns ${needed.join(', ')}`;
    throw new Mendable(`${name}: ${needs}; it names ${found}, so ${missing.join(', ')} is missing`);
  }
  const twice = needed.find((column) => columns.indexOf(column) !== columns.lastIndexOf(column));
  if (twice) throw new Mendable(`${name}: the column ${twice} stands there twice`);
  return sheet;
}

function surplus(cells: string): string {
  return `has more cells than the header has names: '${cells.slice(0, 100)}'; a text with commas needs quotes`;
}

function decode(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Mendable(`${name} is not UTF-8: save it as 'CSV UTF-8' in the spreadsheet`);
  }
}

function parseRecords(name: string, text: string): string[][] {
  try {
    const record_delimiter = ['\r\n', '\n', '\r'];
    return parse(text, { bom: true, relax_column_count: true, skip_empty_lines: false, record_delimiter });
  } catch (thrown) {
    throw new Mendable(`${name} is not a CSV file: ${messageOf(thrown)}`);
  }
}

// A row that is too short has empty cells at its end.
function cellsOf(columns: readonly string[], record: readonly string[]): Record<string, string> {
  return Object.fromEntries(columns.map((column, index) => [column, (record[index] ?? '').trim()]));
}

/** A row as it goes over HTTP. */
export interface Order {
  readonly row: Row;
  /** Idempotency-Key: the same row again is the same order. */
  readonly key: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What a file comes to before anything is sent. */
export interface Plan {
  readonly path: string;
  readonly orders: readonly Order[];
  readonly faults: readonly Fault[];
  /** Which column a field of the request came from. */
  columnOf(field: string): string;
}
