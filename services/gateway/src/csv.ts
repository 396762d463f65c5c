/** Tables as CSV (RFC 4180), so that Excel reads them: UTF-8 with a BOM, lines end with CR LF. */

/** Stands before the first line; without it Excel takes UTF-8 for the code page of the office. */
export const byteOrderMark = '\uFEFF';

/** One line, with its end. */
export function csvLine(cells: readonly (string | number)[]): string {
  return `${cells.map((cell) => (typeof cell === 'number' ? String(cell) : csvText(cell))).join(',')}\r\n`;
}

/**
 * A text as a cell. A spreadsheet takes what begins with one of these for a formula and runs it, and residents write what they like:
 * an apostrophe says that it is a text.
 */
function csvText(text: string): string {
  const guarded = /^[=+\-@\t\r\n＝＋－＠]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}
