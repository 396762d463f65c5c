/** The graph over gRPC. */
import { type AccessObject, belonging, type Denied } from '@bandeng/access';
import { type DomainEvent, isRefused, type Refused, refuse } from '@bandeng/decider';
import { type Changes, communityOf, kindOf, normalize, parentOf, prefixes } from '@bandeng/directory';
import { type CommandContext, derivedId, type Outcome, type Stored } from '@bandeng/records';
import { type Call, callerId, type Implementation, implement, type RefusalTable } from '@bandeng/rpc';
import { type CommonRefusal, commonRefusals, type House, hidden } from '@bandeng/service';
import { listChanges } from './changes.ts';
import { overlap, type Period } from './domain/period.ts';
import type { Posting, PostingEvent, PostingRefusal } from './domain/posting.ts';
import type { CoverFacts, Territory, TerritoryEvent, TerritoryRefusal } from './domain/territory.ts';
import type { Unit, UnitEvent, UnitRefusal } from './domain/unit.ts';
import {
  type Key,
  postingsFilter,
  postingsPage,
  registered,
  runningPostings,
  territoriesPage,
  unitsPage,
} from './queries.ts';
import type { OrganizationGraph } from './records.ts';
import { postingMessage, roleOf, territoryMessage, unitKindOf, unitMessage } from './representation.ts';

type Refusal = CommonRefusal | UnitRefusal | TerritoryRefusal | PostingRefusal | 'not-a-code' | 'one-filter-only';

const refusals: RefusalTable<Refusal> = {
  ...commonRefusals,
  'unknown-territory': { kind: 'rule', title: 'This territory is not registered' },
  'already-registered': { kind: 'state', title: 'This code is registered under another name or covers others' },
  'outside-this-community': { kind: 'rule', title: 'A grid covers compounds and buildings of its own community only' },
  'not-a-grid': { kind: 'rule', title: 'Only a grid covers other territories' },
  'not-a-code': { kind: 'field', title: 'This is not the code of a territory' },
  'one-filter-only': { kind: 'field', title: 'Only one of these narrows the list at a time' },
  'unknown-person': { kind: 'rule', title: 'There is no account of this person' },
  'unknown-unit': { kind: 'rule', title: 'This unit is not registered' },
  'belongs-elsewhere': {
    kind: 'forbidden',
    title: 'This person holds postings elsewhere, where the caller may start none',
  },
  'wrong-place': { kind: 'rule', title: 'This role is not held there' },
  'period-reversed': { kind: 'rule', title: 'The end comes before the beginning' },
  'already-ended': { kind: 'state', title: 'The posting has ended, or ends by then, already' },
};

export function orggraphRpc(house: House, graph: OrganizationGraph): Implementation {
  const { access, clients, directory, now, pages } = house;
  const { units, territories, postings } = graph;

  /** What a command on this object brings along, once it is permitted. */
  function context(call: Call, object: AccessObject): CommandContext | Refused<Denied> {
    const granted = access.permit(call, object);
    return isRefused(granted) ? granted : access.context(call, granted);
  }

  /** What came of a command, known to this process's directory at once. */
  function answered<S, E extends DomainEvent, Message>(
    outcome: Outcome<S, E, UnitRefusal | TerritoryRefusal | PostingRefusal>,
    call: Call,
    message: (stored: Stored<S, E>) => Message,
    changes: (message: Message) => Changes,
  ): Message | Refused<Refusal> {
    if (isRefused(outcome)) return outcome;
    if (outcome.replayed) call.replayed();
    const said = message(outcome.stored);
    directory.learn(changes(said));
    return said;
  }

  const unitAnswer = (outcome: Outcome<Unit, UnitEvent, UnitRefusal>, call: Call) =>
    answered(outcome, call, unitMessage, (unit) => ({ units: [unit] }));
  const territoryAnswer = (outcome: Outcome<Territory, TerritoryEvent, TerritoryRefusal>, call: Call) =>
    answered(outcome, call, territoryMessage, (territory) => ({ territories: [territory] }));
  const postingAnswer = (outcome: Outcome<Posting, PostingEvent, PostingRefusal>, call: Call) =>
    answered(outcome, call, postingMessage, (posting) => ({ postings: [posting] }));

  async function coverFacts(grid: string, covers: readonly string[]): Promise<CoverFacts> {
    const there = await registered(territories, covers);
    const community = communityOf(grid);
    const coverable = (code: string) => ['compound', 'building'].includes(kindOf(code) ?? '');
    return {
      unknown: covers.filter((code) => !there.has(code)),
      outside: covers.filter((code) => communityOf(code) !== community || !coverable(code)),
    };
  }

  async function personKnown(person: string, call: Call): Promise<boolean> {
    const { names } = await clients.identity.listNames({ people: [person] }, { call });
    return Object.hasOwn(names, person);
  }

  /**
   * Whether a person holds, while a posting is to count, any at a place where the caller may start none. Asked of what is stored,
   * for the directory may be behind what another process has written.
   */
  async function heldElsewhere(person: string, period: Period, call: Call): Promise<boolean> {
    const running = await runningPostings(postings, person, now());
    return running.some(({ state }) => overlap(state, period) && !access.permitted(call, state).has('postings.start'));
  }

  return implement<'orggraph', Refusal>(
    'orggraph',
    {
      async registerUnit(request, call) {
        const kind = unitKindOf(request.kind);
        const territory = normalize(request.territory);
        if (kind === undefined || territory === undefined) return notACode('territory', request.territory);
        const command = context(call, { territories: prefixes(territory) });
        if (isRefused(command)) return command;
        const outcome = await units.run(derivedId('unit', command.id), { ...command, expectNew: true }, async () => ({
          command: {
            do: 'register',
            kind,
            name: request.name,
            territory,
            territories: prefixes(territory),
            ...(request.creditCode === '' ? {} : { creditCode: request.creditCode }),
            validFrom: request.validFrom?.toISOString() ?? command.at,
            recordedAt: command.at,
            facts: { territoryKnown: (await registered(territories, [territory])).has(territory) },
          },
        }));
        return unitAnswer(outcome, call);
      },

      async listUnits(request, call) {
        const kind = unitKindOf(request.kind);
        const territory = request.territory === '' ? undefined : normalize(request.territory);
        if (request.territory !== '' && territory === undefined) return notACode('territory', request.territory);
        if (kind !== undefined && territory !== undefined) return refuse('one-filter-only', { field: 'kind' });
        const query = `units ${kind ?? ''} ${territory ?? ''}`;
        const after = pages.open<Key>(query, callerId(call.caller), request.pageToken);
        if (isRefused(after)) return after;
        const by = kind === undefined ? (territory === undefined ? {} : { territory }) : { kind };
        const { items, last } = await unitsPage(units, by, request.pageSize || usualPage, after);
        return { units: items.map(unitMessage), nextPageToken: pages.seal(query, callerId(call.caller), last) };
      },

      async getUnit({ id }) {
        const unit = await units.read(id);
        return unit === undefined ? refuse('not-found', { field: 'id' }) : unitMessage(unit);
      },

      async registerTerritory(request, call) {
        const code = normalize(request.id);
        const kind = code === undefined ? undefined : kindOf(code);
        if (code === undefined || kind === undefined) return notACode('id', request.id);
        const covers = normalizedAll(request.covers);
        if (isRefused(covers)) return covers;
        const command = context(call, { territories: prefixes(code) });
        if (isRefused(command)) return command;
        const parent = parentOf(code);
        const outcome = await territories.run(code, command, async () => ({
          command: {
            do: 'register',
            kind,
            name: request.name,
            ...(parent === undefined ? {} : { parent }),
            territories: prefixes(code),
            covers,
            validFrom: request.validFrom?.toISOString() ?? command.at,
            recordedAt: command.at,
            facts: {
              ...(await coverFacts(code, covers)),
              parentKnown: parent === undefined || (await registered(territories, [parent])).has(parent),
            },
          },
        }));
        return territoryAnswer(outcome, call);
      },

      async coverTerritories(request, call) {
        const code = normalize(request.id);
        if (code === undefined) return refuse('not-found', { field: 'id' });
        const covers = normalizedAll(request.covers);
        if (isRefused(covers)) return covers;
        const command = context(call, { territories: prefixes(code) });
        if (isRefused(command)) return command;
        const outcome = await territories.run(code, command, async () => ({
          command: { do: 'cover', covers, recordedAt: command.at, facts: await coverFacts(code, covers) },
        }));
        return territoryAnswer(outcome, call);
      },

      async listTerritories(request, call) {
        const parent = request.parent === '' ? undefined : normalize(request.parent);
        if (request.parent !== '' && parent === undefined) return notACode('parent', request.parent);
        const query = `territories ${parent ?? ''}`;
        const after = pages.open<Key>(query, callerId(call.caller), request.pageToken);
        if (isRefused(after)) return after;
        const { items, last } = await territoriesPage(territories, parent, request.pageSize || usualPage, after);
        return {
          territories: items.map(territoryMessage),
          nextPageToken: pages.seal(query, callerId(call.caller), last),
        };
      },

      async getTerritory({ id }) {
        const code = normalize(id);
        const territory = code === undefined ? undefined : await territories.read(code);
        return territory === undefined ? refuse('not-found', { field: 'id' }) : territoryMessage(territory);
      },

      async startPosting(request, call) {
        const role = roleOf(request.role);
        const territory = request.territory === '' ? undefined : normalize(request.territory);
        if (role === undefined || (request.territory !== '' && territory === undefined)) {
          return notACode('territory', request.territory);
        }
        const unit = request.unit === '' ? undefined : await units.read(request.unit);
        // A unit that nobody knows is nowhere: whoever may start postings anywhere hears that it is unknown.
        const places =
          territory === undefined ? (unit?.state.territories ?? prefixes(house.city)) : prefixes(territory);
        const command = context(call, { territories: places });
        if (isRefused(command)) return command;
        const kind = territory === undefined ? undefined : kindOf(territory);
        const id = derivedId('posting', command.id);
        const { person } = request;
        const period = {
          validFrom: request.validFrom?.toISOString() ?? command.at,
          ...(request.validUntil === undefined ? {} : { validUntil: request.validUntil.toISOString() }),
        };
        const outcome = await postings.run(id, { ...command, expectNew: true }, async () => ({
          command: {
            do: 'start',
            person,
            role,
            ...(request.unit === '' ? {} : { unit: request.unit }),
            ...(territory === undefined ? {} : { territory }),
            territories: places,
            ...period,
            recordedAt: command.at,
            facts: {
              personKnown: await personKnown(person, call),
              belongsElsewhere: belonging.has(role) && (await heldElsewhere(person, period, call)),
              unitKnown: unit !== undefined,
              territoryKnown: territory !== undefined && (await registered(territories, [territory])).has(territory),
              ...(kind === undefined ? {} : { kind }),
            },
          },
        }));
        return postingAnswer(outcome, call);
      },

      async listPostings(request, call) {
        const { person, unit } = request;
        const territory = request.territory === '' ? undefined : normalize(request.territory);
        if (request.territory !== '' && territory === undefined) return notACode('territory', request.territory);
        const asked = {
          ...(person === '' ? {} : { person }),
          ...(unit === '' ? {} : { unit }),
          ...(territory === undefined ? {} : { territories: territory }),
        };
        if (Object.keys(asked).length > 1)
          return refuse('one-filter-only', { field: person === '' ? 'unit' : 'person' });
        const query = `postings ${JSON.stringify(asked)}`;
        const after = pages.open<Key>(query, callerId(call.caller), request.pageToken);
        if (isRefused(after)) return after;
        const filter = postingsFilter(asked, access.filter(call), after);
        if (filter === undefined) return { postings: [], nextPageToken: '' };
        const { items, last } = await postingsPage(postings, filter, request.pageSize || usualPage);
        return { postings: items.map(postingMessage), nextPageToken: pages.seal(query, callerId(call.caller), last) };
      },

      async getPosting({ id }, call) {
        const posting = await postings.read(id);
        const granted = access.permit(call, posting?.state ?? nowhere);
        if (isRefused(granted)) return hidden(granted, 'not-found');
        return posting === undefined ? refuse('not-found') : postingMessage(posting);
      },

      async endPosting(request, call) {
        const posting = await postings.read(request.id);
        const command = context(call, posting?.state ?? nowhere);
        if (isRefused(command)) return hidden(command, 'not-found');
        const outcome = await postings.run(request.id, command, () => ({
          command: {
            do: 'end',
            ...(request.at === undefined ? {} : { at: request.at.toISOString() }),
            recordedAt: command.at,
          },
        }));
        return postingAnswer(outcome, call);
      },

      listChanges: (request, call) => listChanges(graph, pages, now(), callerId(call.caller), request),
    },
    refusals,
  );
}

const usualPage = 20;

/** What is not there is asked about as what lies nowhere: nobody can tell it from what they may not see. */
const nowhere: AccessObject = {};

function notACode(field: string, code: string): Refused<'not-a-code'> {
  return refuse('not-a-code', { field, values: { code } });
}

function normalizedAll(codes: readonly string[]): string[] | Refused<'not-a-code'> {
  const normalized: string[] = [];
  for (const [index, given] of codes.entries()) {
    const code = normalize(given);
    if (code === undefined) return notACode(`covers[${index}]`, given);
    normalized.push(code);
  }
  return normalized;
}
