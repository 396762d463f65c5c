/** A posting (任职): a person in a role at a unit or territory for a period. */
import { type Decider, type DomainEvent, type Refused, refuse } from '@bandeng/decider';
import type { Kept, Period, Written } from './period.ts';
import { isHeldAt, placeOf, type Role } from './places.ts';
import type { TerritoryKind } from './territory.ts';

/** Who does what where, and when. */
interface Term extends Period {
  readonly person: string;
  readonly role: Role;
  /** Either a unit or a territory. */
  readonly unit?: string;
  readonly territory?: string;
  /** The territory, or the seat of the unit, and all above. */
  readonly territories: readonly string[];
}

export type Posting = Term & Kept;

export interface StartPosting extends Term, Written {
  readonly do: 'start';
  readonly facts: {
    readonly personKnown: boolean;
    readonly unitKnown: boolean;
    readonly territoryKnown: boolean;
    /** What its code says, known or not. */
    readonly kind?: TerritoryKind;
    /** The role makes the person belong here, and they hold postings where whoever starts this one may start none. */
    readonly belongsElsewhere: boolean;
  };
}

export interface EndPosting extends Written {
  readonly do: 'end';
  /** From when it counts no more; left out at once, or before it began. */
  readonly at?: string;
}

export type PostingCommand = StartPosting | EndPosting;

export type PostingEvent =
  | DomainEvent<'posting-started', Term & Written>
  | DomainEvent<'posting-ended', { readonly validUntil: string } & Written>;

export type PostingRefusal =
  | 'unknown-person'
  | 'unknown-unit'
  | 'unknown-territory'
  | 'belongs-elsewhere'
  | 'not-found'
  | 'wrong-place'
  | 'period-reversed'
  | 'already-ended';

export const postingDecider: Decider<Posting, PostingCommand, PostingEvent, PostingRefusal> = {
  decide(posting, command) {
    switch (command.do) {
      case 'start':
        return posting === undefined ? start(command) : [];
      case 'end':
        return posting === undefined ? refuse('not-found', { field: 'id' }) : end(posting, command);
    }
  },
  evolve(posting, event) {
    switch (event.type) {
      case 'posting-started': {
        const { recordedAt, ...started } = event.data;
        return { ...started, createdAt: recordedAt, changedAt: recordedAt };
      }
      case 'posting-ended': {
        if (posting === undefined) throw new Error('a posting starts before it ends');
        return { ...posting, validUntil: event.data.validUntil, changedAt: event.data.recordedAt };
      }
    }
  },
};

type Decision = readonly PostingEvent[] | Refused<PostingRefusal>;

function start({ do: _, facts, ...started }: StartPosting): Decision {
  const { role, unit, territory, validFrom, validUntil } = started;
  if (validUntil !== undefined && validUntil <= validFrom) return refuse('period-reversed', { field: 'validUntil' });
  if (placeOf(role) === 'unit') {
    if (unit === undefined || territory !== undefined)
      return wrongPlace(role, unit === undefined ? 'unit' : 'territory');
    if (!facts.unitKnown) return refuse('unknown-unit', { field: 'unit' });
  } else {
    if (territory === undefined || unit !== undefined)
      return wrongPlace(role, unit === undefined ? 'territory' : 'unit');
    if (facts.kind !== undefined && !isHeldAt(role, facts.kind)) return wrongPlace(role, 'territory');
    if (!facts.territoryKnown) return refuse('unknown-territory', { field: 'territory', values: { territory } });
  }
  if (!facts.personKnown) return refuse('unknown-person', { field: 'person' });
  // Not where: that is nobody's business who has no right there.
  if (facts.belongsElsewhere) return refuse('belongs-elsewhere', { field: 'person' });
  return [{ type: 'posting-started', data: started }];
}

function wrongPlace(role: Role, field: 'unit' | 'territory'): Refused<'wrong-place'> {
  return refuse('wrong-place', { field, values: { role, 'is held at': placeOf(role) } });
}

function end({ validFrom, validUntil }: Posting, { at, recordedAt }: EndPosting): Decision {
  // One that has not begun is called off by ending it where it would begin.
  const ending = at ?? (recordedAt < validFrom ? validFrom : recordedAt);
  if (validUntil !== undefined && validUntil <= ending) return refuse('already-ended', { values: { validUntil } });
  if (ending < validFrom) return refuse('period-reversed', { field: 'at', values: { validFrom } });
  return [{ type: 'posting-ended', data: { validUntil: ending, recordedAt } }];
}
