import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { demoClients } from '@bandeng/city';
import { stringify } from 'csv-stringify/sync';
import { codeOf, Mendable, messageOf } from '../embedded/fault.ts';
import { gatewayAddress, issuerAddress } from '../gateway.ts';
import { planCategories } from '../imports/categories.ts';
import { type Fault, type Plan, readSheet, type Sheet, withColumns } from '../imports/rows.ts';
import { sendAll } from '../imports/sending.ts';
import {
  type Headers,
  headersOf,
  isTicketColumn,
  planTickets,
  sourceOf,
  type TicketColumn,
  ticketColumns,
} from '../imports/tickets.ts';
import { signInSystem } from '../sign-in.ts';
import { type Command, readArguments, WrongUse } from './command.ts';
import { bar, openProgress } from './progress.ts';

const flags = {
  territory: { type: 'string' },
  source: { type: 'string' },
  'external-code': { type: 'string' },
  column: { type: 'string', multiple: true },
  offset: { type: 'string' },
  'dry-run': { type: 'boolean' },
} as const;

const MOST_SHOWN = 30;

/** Exit codes: 0 when something is there in the end, also with faults; 1 when nothing could be taken over. */
export const command: Command = {
  usage:
    'import categories FILE.csv [--external-code COLUMN] [--dry-run] | import tickets FILE.csv --territory CODE ' +
    '[--source NAME] [--column NAME=HEADER ...] [--offset +08:00] [--dry-run]',
  async run(args) {
    const { values, positionals } = readArguments(args, flags, { least: 2, most: 2 });
    const [kind, given = ''] = positionals;
    const file = resolve(process.env.BANDENG_CALLED_FROM ?? '.', given);
    const [sheet, plan] = await planOf(kind ?? '', file, values);
    const dryRun = values['dry-run'] === true;
    const progress = openProgress();
    const sent = await sendAll(plan, {
      gateway: await gatewayAddress(process.env),
      token: tokenKeeper(),
      dryRun,
      progress: (done, all) => progress.say(`${dryRun ? 'trying' : 'importing'} ${bar(done, all)}`),
    }).finally(() => progress.end());
    const faults = [...sheet.faults, ...plan.faults, ...sent.faults].sort((one, other) => one.row.row - other.row.row);
    const failed = await writeFailed(file, sheet, faults);
    for (const fault of faults.slice(0, MOST_SHOWN)) console.log(lineOf(fault));
    if (faults.length > MOST_SHOWN) console.log(`... and ${faults.length - MOST_SHOWN} more`);
    if (failed) console.log(`rows with faults: ${failed}`);
    const done = dryRun ? 'nothing imported: it would import' : 'imported';
    console.log(`${done} ${sent.imported}, already there ${sent.alreadyThere}, faults ${faults.length}`);
    return faults.length > 0 && sent.imported + sent.alreadyThere === 0 ? 1 : 0;
  },
};

interface Values {
  territory?: string | undefined;
  source?: string | undefined;
  'external-code'?: string | undefined;
  column?: string[] | undefined;
  offset?: string | undefined;
}

async function planOf(kind: string, file: string, values: Values): Promise<[Sheet, Plan]> {
  const { territory, source = sourceOf(file), 'external-code': code } = values;
  switch (kind) {
    case 'categories': {
      if (territory || values.source) throw new WrongUse('categories belong to no territory and no source');
      if (values.column || values.offset) throw new WrongUse('--column and --offset are for tickets');
      const sheet = withColumns(await sheetOf(file), ['level1', ...(code ? [code] : [])]);
      return [sheet, planCategories(sheet, code)];
    }
    case 'tickets': {
      if (code) throw new WrongUse('--external-code is for categories');
      const renamed = renamedOf(values.column ?? []);
      const { offset } = values;
      if (!territory && renamed.territory === undefined) {
        throw new WrongUse('--territory is missing: the code of the place that the orders are for');
      }
      if (territory && renamed.territory !== undefined) {
        throw new WrongUse('--territory says for all rows what --column territory says for each');
      }
      if (territory && !/^[0-9]{2,18}$/.test(territory)) throw new WrongUse(`'${territory}' is no territory code`);
      if (offset && !/^([+-]\d{2}:\d{2}|Z)$/.test(offset))
        throw new WrongUse(`'${offset}' is no offset such as +08:00`);
      if (!/^[a-z0-9][a-z0-9-]{0,39}$/.test(source)) {
        throw new WrongUse(`'${source}' is no source: small letters, digits and hyphens, at most 40`);
      }
      const read = await sheetOf(file);
      const headers = headersOf(renamed, read.columns);
      const sheet = withColumns(read, Object.values(headers));
      return [sheet, planTickets(sheet, { territory: territory ?? '', source, headers, offset })];
    }
    default:
      throw new WrongUse(`'${kind}' cannot be imported`);
  }
}

/** Columns by `NAME=HEADER`. */
function renamedOf(options: readonly string[]): Headers {
  const renamed = options.map((option): [TicketColumn, string] => {
    const equals = option.indexOf('=');
    const [name, header] = [option.slice(0, equals), option.slice(equals + 1).trim()];
    if (equals < 0 || header === '') throw new WrongUse(`--column ${option}: NAME=HEADER is needed`);
    if (!isTicketColumn(name)) throw new WrongUse(`--column ${option}: ${ticketColumns.join(', ')} can be named`);
    return [name, header];
  });
  return Object.fromEntries(renamed);
}

async function sheetOf(file: string): Promise<Sheet> {
  const bytes = await readFile(file).catch((thrown: unknown) => {
    throw new Mendable(codeOf(thrown) === 'ENOENT' ? `there is no file ${file}` : messageOf(thrown));
  });
  return readSheet(file, bytes);
}

/** Signs in as BANDENG_CLIENT_ID, or as the demo city's client for imports, and again when a token has run out. */
function tokenKeeper(): (fresh: boolean) => Promise<string> {
  const demo = demoClients.find(({ scopes }) => scopes.includes('tickets.import'));
  const { BANDENG_CLIENT_ID: id = demo?.id, BANDENG_CLIENT_SECRET: secret = demo?.secret } = process.env;
  let token: Promise<string> | undefined;
  return (fresh) => {
    if (fresh) token = undefined;
    token ??= issuerAddress(process.env).then((issuer) => signInSystem(issuer, id ?? '', secret ?? ''));
    return token;
  };
}

const lineOf = ({ row, column, reason }: Fault): string =>
  `row ${row.row}${column === '' ? '' : `, column ${column}`}: ${reason}`;

/** Writes `FILE.failed.csv` beside the file, or where the command was called when that is not allowed. */
async function writeFailed(file: string, sheet: Sheet, faults: readonly Fault[]): Promise<string | undefined> {
  const beside = file.replace(/(\.csv)?$/i, '.failed.csv');
  if (faults.length === 0) {
    await rm(beside, { force: true }).catch(() => undefined); // of an earlier import; a folder we may not write has none
    return undefined;
  }
  const rows = faults.map((fault) => [...sheet.columns.map((column) => fault.row.cells[column] ?? ''), lineOf(fault)]);
  const text = stringify([[...sheet.columns, 'reason'], ...rows], { bom: true, record_delimiter: 'windows' });
  try {
    await writeFile(beside, text);
    return beside;
  } catch (thrown) {
    if (!['EACCES', 'EROFS', 'EPERM'].includes(codeOf(thrown) ?? '')) throw thrown;
    const here = join(process.env.BANDENG_CALLED_FROM ?? '.', basename(beside));
    await writeFile(here, text);
    return here;
  }
}
