/** What changed in the graph, page by page: for the directory of every service, this one's included. */
import { type ListChangesRequest, ListChangesResponse } from '@bandeng/contracts/orggraph';
import { isRefused, type Refused } from '@bandeng/decider';
import type { DirectorySource } from '@bandeng/directory';
import type { PageRefusal, PageTokens } from '@bandeng/rpc';
import type { Ground } from '@bandeng/service';
import { type ChangesKey, changesPage, fromTheStart } from './queries.ts';
import { type OrganizationGraph, openGraph } from './records.ts';
import { postingMessage, territoryMessage, unitMessage } from './representation.ts';

const usual = 2_000;

/** Where it goes on, and the clock when the first page was read: what changes after that comes with the next question. */
interface Place {
  readonly key: ChangesKey;
  readonly asOf: string;
}

/** @param reader Who asks; a page token opens for the same reader only. */
export async function listChanges(
  graph: OrganizationGraph,
  pages: PageTokens,
  now: Date,
  reader: string,
  request: ListChangesRequest,
): Promise<ListChangesResponse | Refused<PageRefusal>> {
  const query = `changes ${request.since?.toISOString() ?? ''}`;
  const opened = pages.open<Place>(query, reader, request.pageToken);
  if (isRefused(opened)) return opened;
  const { key, asOf } = opened ?? { key: fromTheStart, asOf: now.toISOString() };
  const page = await changesPage(graph, request.since, request.pageSize || usual, key);
  return ListChangesResponse.fromPartial({
    units: page.units.map(unitMessage),
    territories: page.territories.map(territoryMessage),
    postings: page.postings.map(postingMessage),
    nextPageToken: page.next === undefined ? '' : pages.seal(query, reader, { key: page.next, asOf } satisfies Place),
    asOf: new Date(asOf),
  });
}

/** The graph as a directory reads it without a call: from this service's own documents. */
export async function graphSource({
  records,
  pages,
  now,
}: Pick<Ground, 'records' | 'pages' | 'now'>): Promise<DirectorySource> {
  const graph = await openGraph(records);
  return {
    async listChanges(request) {
      const changes = await listChanges(graph, pages, now(), 'orggraph', request);
      if (isRefused(changes)) throw new Error(`own changes refused: ${changes.refused}`);
      return changes;
    },
  };
}
