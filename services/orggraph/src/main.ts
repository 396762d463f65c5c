import { publishing } from '@bandeng/events';
import { defineService, runService } from '@bandeng/service';
import { graphSource } from './changes.ts';
import { postingPublications, territoryPublications, unitPublications } from './publications.ts';
import { reactions } from './reactions.ts';
import { openGraph } from './records.ts';
import { orggraphRpc } from './rpc.ts';

export { graphSource };

/** The organization graph: units, territories, postings. */
export const orggraph = defineService({
  name: 'orggraph',
  configure: () => ({}),
  source: graphSource,
  async start(house) {
    const graph = await openGraph(house.records);
    return {
      implementations: [orggraphRpc(house, graph)],
      publications: [
        publishing(graph.units, unitPublications),
        publishing(graph.territories, territoryPublications),
        publishing(graph.postings, postingPublications),
      ],
      reactions: reactions(graph.postings, house),
    };
  },
});

if (import.meta.main) await runService(orggraph);
