import { isRefused } from '@bandeng/decider';
import { publishing } from '@bandeng/events';
import { defineService, runService } from '@bandeng/service';
import { listChanges } from './changes.ts';
import { postingPublications, territoryPublications, unitPublications } from './publications.ts';
import { openGraph } from './records.ts';
import { orggraphRpc } from './rpc.ts';

/** The organization graph: units, territories, postings. */
export const orggraph = defineService({
  name: 'orggraph',
  configure: () => ({}),
  async source({ records, pages, now }) {
    const graph = await openGraph(records);
    return {
      async listChanges(request) {
        const changes = await listChanges(graph, pages, now(), 'orggraph', request);
        if (isRefused(changes)) throw new Error(`own changes refused: ${changes.refused}`);
        return changes;
      },
    };
  },
  async start(house) {
    const graph = await openGraph(house.records);
    return {
      implementations: [orggraphRpc(house, graph)],
      publications: [
        publishing(graph.units, unitPublications),
        publishing(graph.territories, territoryPublications),
        publishing(graph.postings, postingPublications),
      ],
    };
  },
});

if (import.meta.main) await runService(orggraph);
