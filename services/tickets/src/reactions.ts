/** What others' events mean for tickets: who was erased leaves no words. */
import { NotNow, on, type Reaction, type ReactionDefinition, skip } from '@bandeng/events';
import { erasedWords, writtenBy } from '@bandeng/records';
import type { House } from '@bandeng/service';
import type { Desk } from './desk.ts';
import type { Tickets } from './records.ts';

/** Until then calls that came in before the erasure have ended everywhere, and the others are refused. */
const lastWords = 30_000;

export function reactions(tickets: Tickets, { now }: Pick<House, 'now'>): ReactionDefinition[] {
  /** Each ticket keeps its history and loses this person's texts, with the terms by which they were found. */
  async function eraseWords(person: string): Promise<readonly Reaction[] | ReturnType<typeof skip>> {
    const touched = await writtenBy(tickets, person);
    if (touched.length === 0) return skip('wrote nothing');
    return touched.map((id) => ({
      target: id,
      run: (_commandId, context) =>
        tickets.run(id, context, (current) => {
          const words = erasedWords(current?.words ?? {}, person);
          return { command: { type: 'erase-words', at: context.at, words: Object.keys(words) }, words };
        }),
    }));
  }

  return [
    on('bandeng.identity.account-erased.v1', 'erase-words', ({ data }) => eraseWords(data.person)),
    on('bandeng.identity.account-erased.v1', 'erase-late-words', ({ data, time }) => {
      if (now().getTime() - Date.parse(time) < lastWords) throw new NotNow('calls may be under way');
      return eraseWords(data.person);
    }),
  ];
}

/** The files that an erased person brought go, from wherever they lie; tickets go on naming them. */
export function fileReactions({ files, house }: Pick<Desk, 'files' | 'house'>): ReactionDefinition[] {
  const eraseFiles = (person: string): Reaction[] => [{ run: () => files.eraseOf(person) }];
  return [
    on('bandeng.identity.account-erased.v1', 'erase-files', async ({ data }) => eraseFiles(data.person)),
    on('bandeng.identity.account-erased.v1', 'erase-late-files', async ({ data, time }) => {
      if (house.now().getTime() - Date.parse(time) < lastWords) throw new NotNow('uploads may be under way');
      return eraseFiles(data.person);
    }),
  ];
}
