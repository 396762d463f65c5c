/** Lists as files: `GET /v1/tickets.xlsx` and `.csv` answer what `GET /v1/tickets` answers, all pages of it, as a table. */
import { PassThrough, type Readable } from 'node:stream';
import { type Rpc, rpcs } from '@bandeng/contracts';
import {
  callerId,
  type Language,
  languageOf,
  type RawClient,
  RpcFailure,
  type Verifier,
  validator,
} from '@bandeng/rpc';
import { networkOf } from '@bandeng/service';
import type { Logger } from '@bandeng/telemetry';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { signedIn } from './callers.ts';
import { byteOrderMark, csvLine } from './csv.ts';
import { drained, type Reader } from './drained.ts';
import { type Cell, type Names, type Table, tables } from './export-columns.ts';
import { type ExportPlaces, openExportPlaces } from './export-places.ts';
import { inLanguage } from './export-words.ts';
import { hungUp, queryOf } from './forward.ts';
import { type CallHeaders, readHeaders } from './headers.ts';
import { invalid, ProblemError } from './problems.ts';
import { type Parameters, parametersOf, readQuery } from './query.ts';
import { answerProblem } from './replies.ts';
import { type Place, routesOf } from './routes.ts';
import { openWorkbook } from './workbook.ts';

const forms = ['xlsx', 'csv'] as const;
type Form = (typeof forms)[number];

const mediaTypes: { readonly [F in Form]: string } = {
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  csv: 'text/csv; charset=utf-8',
};
/** A long list takes its time. */
const patienceMs = 10 * 60_000;
const lookUpsAtOnce = 8;

interface Export {
  readonly table: Table;
  readonly rpc: Rpc;
  readonly path: string;
  readonly parameters: Parameters;
}

/** Where the rows of one export come from. */
interface Source extends Reader {
  readonly headers: CallHeaders;
  readonly budgetMs: number;
  readonly language: Language;
}

const exported = tables.map((table): Export => {
  const rpc = rpcNamed(table.rpc);
  const [route] = routesOf([rpc]);
  if (route === undefined || rpc.http === undefined) throw new Error(`${rpc.path} has no route`);
  const ofPages = new Set(['pageSize', 'pageToken']);
  const all = parametersOf(route.request, []);
  return { table, rpc, path: rpc.http.path, parameters: new Map([...all].filter(([name]) => !ofPages.has(name))) };
});

export const exportPlaces: readonly Place[] = exported.flatMap(({ path }) =>
  forms.map((form) => ({ url: `${path}.${form}`, allow: ['GET'] })),
);

/** Registers the routes of all tables. */
export function serveExports(
  app: FastifyInstance,
  services: RawClient,
  options: {
    readonly mostRows: number;
    readonly budgetMs: number;
    readonly readerPatienceMs: number;
    readonly verify: Verifier;
    readonly log: Logger;
  },
): void {
  const { mostRows, budgetMs, readerPatienceMs, verify, log } = options;
  const places = openExportPlaces();

  /** The pages of a list, up to the most rows; the last says whether more would follow. */
  async function* pages(one: Export, values: object, source: Source): AsyncGenerator<{ rows: Cell[][]; cut: boolean }> {
    const names = namesOf(services, source);
    let pageToken = '';
    let left = mostRows;
    do {
      const request = one.rpc.request.fromJSON({ ...values, pageSize: Math.min(one.table.pageSize, left), pageToken });
      const answer = Object((await services.call(one.rpc, request, callOptions(source))).message);
      const items: object[] = answer[one.table.field];
      await names.learn(items.map((item) => one.table.named(item)));
      left -= items.length;
      pageToken = answer.nextPageToken;
      yield { rows: items.map((item) => one.table.cells(item, names)), cut: left <= 0 && pageToken !== '' };
    } while (pageToken !== '' && left > 0);
  }

  /** Only who is known by a token counts as such: whoever makes one up would have as many places as names. */
  async function placeFor(request: FastifyRequest): Promise<ReturnType<ExportPlaces['take']>> {
    if (request.headers.authorization === undefined) return places.take(`guest ${networkOf(request.ip)}`, true);
    const known = await signedIn(request.headers, verify);
    return 'problem' in known ? known : places.take(callerId(known.caller), false);
  }

  async function answer(one: Export, form: Form, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const headers = readHeaders(request.headers);
    if ('problem' in headers) return answerProblem(request, reply, headers.problem);
    const query = readQuery(queryOf(request), one.parameters);
    if ('faults' in query) return answerProblem(request, reply, invalid(query.faults));
    const faults = validator(one.rpc.requestType, { form: 'json', rules: false })(query.values);
    if (faults !== undefined) return answerProblem(request, reply, invalid(faults));
    const leave = await placeFor(request);
    if ('problem' in leave) return answerProblem(request, reply, leave.problem);
    const language = languageOf(request.headers['accept-language']);
    const source: Source = { headers, budgetMs, signal: hungUp(reply), patienceMs: readerPatienceMs, language };
    const rows = pages(one, query.values, source);
    try {
      // Whatever is to be refused is refused before the first byte goes out.
      const first = await rows.next();
      const writing = await open(one.table, form, source);
      // It may break off before anybody reads it; whoever does sees that it did.
      writing.content.on('error', () => {});
      write(writing, first, rows, { language, mostRows })
        .catch((failure: unknown) => {
          // A file that ends early must not look whole: the connection breaks off.
          writing.content.destroy(failure instanceof Error ? failure : new Error('the export failed'));
          if (!source.signal.aborted) log.warn({ list: one.path, fault: String(failure) }, 'an export broke off');
        })
        .finally(leave);
      reply
        .header('cache-control', 'private, no-store')
        .header('content-disposition', dispositionOf(one, form, language));
      return reply.type(mediaTypes[form]).send(writing.content);
    } catch (failure) {
      leave();
      if (failure instanceof RpcFailure) throw new ProblemError(failure.problem);
      throw failure;
    }
  }

  for (const one of exported) {
    for (const form of forms) {
      const handler = (request: FastifyRequest, reply: FastifyReply) => answer(one, form, request, reply);
      app.get(`${one.path}.${form}`, { exposeHeadRoute: false, handlerTimeout: patienceMs }, handler);
    }
  }
}

/** A file that is being written, whatever its form. */
interface Writing {
  readonly content: Readable;
  write(rows: readonly (readonly (string | number | Date | undefined)[])[]): Promise<void>;
  end(): Promise<void>;
}

async function open({ title, columns }: Table, form: Form, source: Source): Promise<Writing> {
  const { language } = source;
  const heads = columns.map((column) => ({ title: inLanguage(column.title, language), width: column.width }));
  if (form === 'xlsx') return openWorkbook(inLanguage(title, language), heads, source);
  const content = new PassThrough();
  content.write(byteOrderMark + csvLine(heads.map((head) => head.title)));
  return {
    content,
    async write(rows) {
      const lines = rows.map((cells) =>
        csvLine(cells.map((cell) => (cell instanceof Date ? written(cell) : (cell ?? '')))),
      );
      content.write(lines.join(''));
      await drained(content, source);
    },
    async end() {
      content.end();
    },
  };
}

type Page = { readonly rows: readonly Cell[][]; readonly cut: boolean };

async function write(
  writing: Writing,
  first: IteratorResult<Page>,
  rest: AsyncGenerator<Page>,
  { language, mostRows }: { readonly language: Language; readonly mostRows: number },
): Promise<void> {
  for (let page = first; page.done !== true; page = await rest.next()) {
    await writing.write(page.value.rows.map((cells) => cells.map((cell) => shown(cell, language))));
    if (!page.value.cut) continue;
    const count = mostRows.toLocaleString('en');
    const chinese = `只导出了前 ${count} 行。请缩小查询范围，分次导出其余内容。`;
    const english = `Only the first ${count} rows are here. Narrow the list to export the rest.`;
    await writing.write([[inLanguage([chinese, english], language)]]);
  }
  await writing.end();
}

/** A cell in the reader's language; instants as the clocks in China show them, for a table has no time zones. */
function shown(cell: Cell, language: Language): string | number | Date | undefined {
  if (cell instanceof Date) return new Date(cell.getTime() + 8 * 3_600_000);
  return typeof cell === 'object' ? inLanguage(cell, language) : cell;
}

function written(local: Date): string {
  return local.toISOString().slice(0, 19).replace('T', ' ');
}

function callOptions({ headers, budgetMs, signal }: Source) {
  return { headers, timeoutMs: budgetMs, signal };
}

/** Names of territories and units, asked for as they are met. What has no name, or is away, stays without. */
function namesOf(
  services: RawClient,
  source: Source,
): Names & { learn(met: readonly ReturnType<Table['named']>[]): Promise<void> } {
  const known = new Map<string, string>();
  const territory = rpcNamed({ service: 'orggraph', name: 'GetTerritory' });
  const unit = rpcNamed({ service: 'orggraph', name: 'GetUnit' });
  const ask = async (rpc: Rpc, key: string, id: string): Promise<void> => {
    try {
      const { message } = await services.call(rpc, rpc.request.fromPartial({ id }), callOptions(source));
      known.set(key, String(Object(message).name));
    } catch (failure) {
      if (!(failure instanceof RpcFailure)) throw failure;
      known.set(key, '');
    }
  };
  return {
    territory: (code) => known.get(`territory ${code}`) ?? '',
    unit: (id) => known.get(`unit ${id}`) ?? '',
    async learn(met) {
      const wanted = new Map<string, [Rpc, string]>();
      for (const { territories, units } of met) {
        for (const code of territories) if (code !== '') wanted.set(`territory ${code}`, [territory, code]);
        for (const id of units) if (id !== '') wanted.set(`unit ${id}`, [unit, id]);
      }
      const line = [...wanted].filter(([key]) => !known.has(key)).values();
      const asking = Array.from({ length: lookUpsAtOnce }, async () => {
        for (const [key, [rpc, id]] of line) await ask(rpc, key, id);
      });
      await Promise.all(asking);
    },
  };
}

function rpcNamed({ service, name }: Table['rpc']): Rpc {
  const found = rpcs.find((rpc) => rpc.service === service && rpc.name === name);
  if (found === undefined) throw new Error(`there is no ${service}.${name}`);
  return found;
}

/** The file's name, the list's with the day it was made, in both ways of writing it. */
function dispositionOf({ path, table: { title } }: Export, form: Form, language: Language): string {
  const list = path.slice(path.lastIndexOf('/') + 1);
  const day = written(new Date(Date.now() + 8 * 3_600_000)).slice(0, 10);
  const name = encodeURIComponent(`${inLanguage(title, language)}-${day}.${form}`);
  return `attachment; filename="${list}-${day}.${form}"; filename*=UTF-8''${name}`;
}
