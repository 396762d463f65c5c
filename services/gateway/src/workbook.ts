/** Tables as Excel workbooks, written while they are made; the one place that knows the library. */
import { PassThrough, type Readable } from 'node:stream';
import { drained, type Reader } from './drained.ts';

/** A workbook of one sheet that is being written. */
export interface WorkbookWriting {
  readonly content: Readable;
  /** Waits while the reader is slow. */
  write(rows: readonly (readonly (string | number | Date | undefined)[])[]): Promise<void>;
  end(): Promise<void>;
}

/** Excel takes no longer text; a text of the contracts has 4,000 characters at most. */
const longestText = 32_767;

/**
 * Opens a workbook with its first line, which stays in sight. The library is loaded when it is first needed: it takes 70 MB.
 */
export async function openWorkbook(
  title: string,
  columns: readonly { readonly title: string; readonly width: number }[],
  reader: Reader,
): Promise<WorkbookWriting> {
  const { WorkbookWriter } = await import('@cj-tech-master/excelts');
  const content = new PassThrough();
  const workbook = new WorkbookWriter({ stream: content, useSharedStrings: false, useStyles: true });
  const sheet = workbook.addWorksheet(title, { views: [{ state: 'frozen', ySplit: 1 }] });
  sheet.columns = columns.map(({ title: header, width }) => ({ header, width }));
  sheet.getRow(1).font = { bold: true };
  sheet.getRow(1).commit();
  return {
    content,
    async write(rows) {
      for (const cells of rows) {
        const row = sheet.addRow(cells.map((cell) => (typeof cell === 'string' ? storable(cell) : cell)));
        cells.forEach((cell, index) => {
          if (cell instanceof Date) row.getCell(index + 1).numFmt = 'yyyy-mm-dd hh:mm';
        });
        row.commit();
      }
      await drained(content, reader);
    },
    async end() {
      await sheet.commit();
      await workbook.commit();
    },
  };
}

/** What XML can hold, and Excel: control characters are left out. */
function storable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these are meant
  return text.replaceAll(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, '').slice(0, longestText);
}
