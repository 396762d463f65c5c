/** What of the graph is public: everything, each event with the whole as of that event. */
import { type Publications, publish } from '@bandeng/events';
import { type Posting, type PostingEvent, postingDecider } from './domain/posting.ts';
import type { Territory, TerritoryEvent } from './domain/territory.ts';
import { territoryDecider } from './domain/territory.ts';
import { type Unit, type UnitEvent, unitDecider } from './domain/unit.ts';
import { postingMessage, territoryMessage, unitMessage } from './representation.ts';

export const unitPublications: Publications<UnitEvent, Unit> = {
  'unit-registered': ({ seq, ...event }, { id }) => {
    const state = unitDecider.evolve(undefined, event);
    return publish('unit-registered', { unit: unitMessage({ id, version: seq, state }) }, state.territory);
  },
};

export const territoryPublications: Publications<TerritoryEvent, Territory> = {
  'territory-registered': ({ seq, ...event }, { id }) => {
    const state = territoryDecider.evolve(undefined, event);
    return publish('territory-registered', { territory: territoryMessage({ id, version: seq, state }) }, id);
  },
  // The document may be further than the entry, but no other event changes what this one says.
  'territory-covered': ({ seq, ...event }, { id, state: now }) => {
    const state = territoryDecider.evolve(now, event);
    return publish('territory-covered', { territory: territoryMessage({ id, version: seq, state }) }, id);
  },
};

export const postingPublications: Publications<PostingEvent, Posting> = {
  'posting-started': ({ seq, ...event }, { id, territories }) => {
    const state = postingDecider.evolve(undefined, event);
    return publish('posting-started', { posting: postingMessage({ id, version: seq, state }) }, seat(territories));
  },
  'posting-ended': ({ seq, ...event }, { id, territories, state: now }) => {
    const state = postingDecider.evolve(now, event);
    return publish('posting-ended', { posting: postingMessage({ id, version: seq, state }) }, seat(territories));
  },
};

/** The territory of the posting, or where its unit sits. */
function seat(territories: readonly string[]): string {
  return territories.at(-1) ?? '';
}
