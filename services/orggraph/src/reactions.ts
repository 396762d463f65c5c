/** What others' events mean for the graph: nobody holds a posting who was erased. */
import { on, type ReactionDefinition, skip } from '@bandeng/events';
import type { House } from '@bandeng/service';
import { runningPostings } from './queries.ts';
import type { Postings } from './records.ts';

export function reactions(postings: Postings, { now }: Pick<House, 'now'>): ReactionDefinition[] {
  return [
    on('bandeng.identity.account-erased.v1', 'end-postings', async ({ data }) => {
      const running = await runningPostings(postings, data.person, now());
      if (running.length === 0) return skip('held no posting');
      return running.map(({ id }) => ({
        target: id,
        run: (_commandId, context) =>
          postings.run(id, context, () => ({ command: { do: 'end', recordedAt: context.at } })),
      }));
    }),
  ];
}
