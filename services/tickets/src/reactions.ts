/** What others' events mean for tickets: who was erased leaves no words and no files. */
import { NotNow, on, type Reaction, type ReactionDefinition, skip } from '@bandeng/events';
import type { Files } from '@bandeng/files';
import { erasedWords, writtenBy } from '@bandeng/records';
import type { House } from '@bandeng/service';
import { keysOf } from './desk.ts';
import type { Tickets } from './records.ts';

/** Until then calls that came in before the erasure have ended everywhere, and the others are refused. */
const lastWords = 30_000;

/** What it needs of the desk. */
interface Erasing {
  readonly tickets: Tickets;
  readonly files: Pick<Files, 'eraseOf'>;
  readonly house: Pick<House, 'now'>;
}

export function reactions({ tickets, files, house }: Erasing): ReactionDefinition[] {
  /** Each ticket keeps its history and loses this person's texts, with the terms by which they were found. */
  async function eraseWords(person: string): Promise<readonly Reaction[] | ReturnType<typeof skip>> {
    const authors = keysOf(person);
    const touched = await writtenBy(tickets, ...authors);
    if (touched.length === 0) return skip('wrote nothing');
    return touched.map((id) => ({
      target: id,
      run: (_commandId, context) =>
        tickets.run(id, context, (current) => {
          const words = erasedWords(current?.words ?? {}, ...authors);
          return { command: { type: 'erase-words', at: context.at, words: Object.keys(words) }, words };
        }),
    }));
  }

  /** The files that this person brought go, from wherever they lie; tickets go on naming them. */
  const eraseFiles = (person: string): Reaction[] => [{ run: () => files.eraseOf(...keysOf(person)) }];

  const waitForLate = (time: string): void => {
    if (house.now().getTime() - Date.parse(time) < lastWords) throw new NotNow('calls may be under way');
  };

  // One event's reactions come one after the other, so what has to wait stands at the end.
  return [
    on('bandeng.identity.account-erased.v1', 'erase-words', ({ data }) => eraseWords(data.person)),
    on('bandeng.identity.account-erased.v1', 'erase-files', async ({ data }) => eraseFiles(data.person)),
    on('bandeng.identity.account-erased.v1', 'erase-late-words', ({ data, time }) => {
      waitForLate(time);
      return eraseWords(data.person);
    }),
    on('bandeng.identity.account-erased.v1', 'erase-late-files', async ({ data, time }) => {
      waitForLate(time);
      return eraseFiles(data.person);
    }),
  ];
}
