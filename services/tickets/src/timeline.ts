/** What happened to a ticket, as those see it who may see it. */
import type { TimelineEntry } from '@bandeng/contracts/tickets';
import type { Actor, Entry } from '@bandeng/records';
import type { Handler } from './domain/handler.ts';
import type { EventType, Instant, Satisfaction, TicketEvent, WordId } from './domain/ticket.ts';
import { type StoredTicket, wordsOf } from './representation.ts';
import type { Sight } from './sight.ts';
import { spelledHandler, spelledSatisfaction } from './spelling.ts';

/** What of an event is told. */
interface Told {
  readonly text?: WordId | undefined;
  /** The words are among colleagues. */
  readonly confidential?: boolean;
  readonly handler?: Handler | undefined;
  readonly file?: string;
  readonly deadline?: Instant;
  readonly rating?: Satisfaction;
  /** Time did it, whoever's command came first afterwards. */
  readonly byTime?: boolean;
}

type EntryOf<Type extends EventType> = Extract<TicketEvent, { type: Type }>['data'];
const telling: { readonly [Type in EventType]: (data: EntryOf<Type>) => Told } = {
  ordered: ({ text }) => ({ text }),
  imported: ({ text }) => ({ text }),
  dispatched: ({ handler, acceptBy, note }) => ({ handler, deadline: acceptBy, text: note, confidential: true }),
  accepted: ({ handler, resolveBy }) => ({ handler, deadline: resolveBy }),
  declined: ({ handler, reason }) => ({ handler, text: reason, confidential: true }),
  'acceptance-lapsed': ({ handler }) => ({ handler, byTime: true }),
  'noted-for-resident': ({ note }) => ({ text: note }),
  'noted-internally': ({ note }) => ({ text: note, confidential: true }),
  'evidence-added': ({ file }) => ({ file }),
  suspended: ({ handler, reason, until }) => ({ handler, text: reason, deadline: until }),
  resumed: ({ handler, resolveBy, byItself }) => ({ handler, deadline: resolveBy, byTime: byItself }),
  'deadline-passed': ({ handler, resolveBy }) => ({ handler, deadline: resolveBy, byTime: true }),
  resolved: ({ handler, resolution, closeAt }) => ({ handler, text: resolution, deadline: closeAt }),
  rated: ({ handler, satisfaction, remark }) => ({ handler, rating: satisfaction, text: remark }),
  reopened: ({ handler, resolveBy }) => ({ handler, deadline: resolveBy }),
  closed: ({ handler }) => ({ handler, byTime: true }),
  rejected: ({ explanation }) => ({ text: explanation }),
  withdrawn: ({ handler, reason }) => ({ handler, text: reason }),
  'words-erased': () => ({}),
};

function told<Type extends EventType>(event: { readonly type: Type; readonly data: EntryOf<Type> }): Told {
  return telling[event.type](event.data);
}

/** People who did what the entries tell; for their names. */
export function peopleOf(history: readonly Entry<TicketEvent>[]): string[] {
  return [...new Set(history.map(({ actor }) => personOf(actor)).filter((person) => person !== ''))];
}

/** The time line, oldest first. A past order that was taken over happened when it was ordered, not when it came. */
export function timelineOf(
  stored: Pick<StoredTicket, 'words'>,
  history: readonly Entry<TicketEvent>[],
  sight: Sight,
  names: ReadonlyMap<string, string> = new Map(),
): TimelineEntry[] {
  const seen = history.filter(({ type }) => sight.internal || type !== 'noted-internally');
  return seen.map((entry) => {
    const { text, confidential, handler, file = '', deadline, rating, byTime } = told(entry);
    const person = sight.people && byTime !== true ? personOf(entry.actor) : '';
    const shown = handler !== undefined && (sight.people || !handler.startsWith('person:'));
    return {
      sequence: entry.seq,
      at: new Date(entry.type === 'imported' ? entry.data.orderedAt : entry.at),
      event: entry.type === 'imported' ? 'ordered' : entry.type,
      text: confidential !== true || sight.internal ? wordsOf(stored, text) : '',
      person,
      name: names.get(person) ?? '',
      posting: person !== '' && 'posting' in entry.actor ? (entry.actor.posting ?? '') : '',
      handler: shown ? spelledHandler(handler) : undefined,
      deadline: deadline === undefined ? undefined : new Date(deadline),
      rating: rating && spelledSatisfaction[rating],
      file,
    };
  });
}

function personOf(actor: Actor): string {
  return 'person' in actor ? actor.person : '';
}
