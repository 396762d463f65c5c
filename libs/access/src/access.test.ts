import { type Action as ContractAction, actions as contractActions } from '@bandeng/contracts';
import { isRefused } from '@bandeng/decider';
import { createMongoAbility, subject } from '@casl/ability';
import { unpackRules } from '@casl/ability/extra';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AccessInput,
  type AccessObject,
  type Action,
  actions,
  actionsOf,
  type Condition,
  type Filter,
  filter,
  filterWithPersonalData,
  type HeldPosting,
  isReading,
  permit,
  permitted,
  type Role,
  readsPersonalData,
  roles,
  rulesFor,
} from './index.ts';

type Rule = { action: string; subject: string; conditions?: Condition };

const community = '459902001001';
const elsewhere = '459902001002';
const grid = `${community}001`;
const places = (...codes: string[]): string[] => ['45', '4599', '459902', '459902001', community, ...codes];

const inGrid: AccessObject = { territories: places(grid, `${community}501`), orderer: 'resident-1' };
const outside: AccessObject = { territories: ['45', '4599', '459902', '459902001', elsewhere], orderer: 'resident-2' };

function person(id: string, ...postings: HeldPosting[]): AccessInput {
  return { caller: { kind: 'person', id }, postings };
}

function at(role: Role, territory: string, id = `${role}@${territory}`): HeldPosting {
  return { id, role, territory };
}

describe('What a posting permits', () => {
  test('a dispatcher dispatches in the own community and not in another', () => {
    const dispatcher = person('d', at('community_dispatcher', community));
    expect(permit(dispatcher, 'tickets.dispatch', inGrid)).toEqual({ posting: `community_dispatcher@${community}` });
    expect(permit(dispatcher, 'tickets.dispatch', outside)).toEqual({ refused: 'not-visible' });
    expect(permit(dispatcher, 'tickets.accept', inGrid)).toEqual({ refused: 'not-permitted' });
  });

  test('a grid worker accepts what waits for the own grid, and only notes what waits for another', () => {
    const worker = person('w', at('grid_worker', grid, 'p'));
    expect(permit(worker, 'tickets.accept', { ...inGrid, handler: `grid:${grid}` })).toEqual({ posting: 'p' });
    expect(permit(worker, 'tickets.accept', { ...inGrid, handler: `grid:${community}002` })).toEqual({
      refused: 'not-permitted',
    });
    expect(permit(worker, 'tickets.note', { ...inGrid, handler: 'unit:u' })).toEqual({ posting: 'p' });
  });

  test('a liaison has what the own unit has, wherever it lies', () => {
    const liaison = person('l', { id: 'p', role: 'organ_liaison', unit: 'u' });
    expect(permit(liaison, 'tickets.resolve', { ...outside, handler: 'unit:u' })).toEqual({ posting: 'p' });
    expect(permit(liaison, 'tickets.read', { ...outside, handler: 'unit:v' })).toEqual({ refused: 'not-visible' });
  });

  test('a member takes an open call of the own community and then has it, until the posting ends', () => {
    const member = person('m', at('member', community, 'p'));
    expect(permit(member, 'tickets.accept', { ...inGrid, handler: `open_call:${community}` })).toEqual({
      posting: 'p',
    });
    expect(permit(member, 'tickets.decline', { ...inGrid, handler: `open_call:${community}` })).toEqual({
      refused: 'not-permitted',
    });
    const taken = { ...inGrid, handler: 'person:m' };
    expect(permit(member, 'tickets.resolve', taken)).toEqual({ posting: 'p' });
    expect(permit(person('m'), 'tickets.resolve', taken)).toEqual({ refused: 'not-visible' });
    expect(permit(person('n', at('member', community)), 'tickets.resolve', taken)).toEqual({ refused: 'not-visible' });
  });

  test('an administrator keeps accounts and graph and sees no case', () => {
    const administrator = person('a', at('administrator', '4599', 'p'));
    expect(permit(administrator, 'postings.start', { territories: places() })).toEqual({ posting: 'p' });
    expect(permit(administrator, 'accounts.register', {})).toEqual({ posting: 'p' });
    expect(permit(administrator, 'tickets.read', inGrid)).toEqual({ refused: 'not-visible' });
    expect(permit(person('b'), 'accounts.register', {})).toEqual({ refused: 'not-permitted' });
  });

  test('an auditor changes nothing and reads no personal data', () => {
    const auditor = person('a', at('auditor', '4599', 'p'));
    expect(actionsOf('auditor').every(isReading)).toBe(true);
    expect(permit(auditor, 'tickets.read', inGrid)).toEqual({ posting: 'p' });
    expect(readsPersonalData(auditor, inGrid)).toBe(false);
    const both = person('a', at('auditor', '4599'), at('community_secretary', community));
    expect(readsPersonalData(both, inGrid)).toBe(true);
    expect(readsPersonalData(both, outside)).toBe(false);
    expect(readsPersonalData(person('resident-1'), inGrid)).toBe(true);
  });

  test('a contact is read by those who look after where the person lives, each time in one capacity', () => {
    const neighbour: AccessObject = { person: 'resident-1', territories: places(grid, `${community}501`) };
    const dispatcher = at('community_dispatcher', community, 'd');
    const worker = at('grid_worker', grid, 'w');
    expect(permit(person('x', worker), 'contacts.read', neighbour)).toEqual({ posting: 'w' });
    expect(permit(person('x', at('grid_worker', `${community}002`)), 'contacts.read', neighbour)).toEqual({
      refused: 'not-visible',
    });
    expect(permit(person('x', dispatcher, worker), 'contacts.read', neighbour)).toEqual({
      refused: 'capacity-needed',
      field: 'actingAs',
      values: { postings: ['d', 'w'] },
    });
    expect(permit({ ...person('x', dispatcher, worker), actingAs: 'w' }, 'contacts.read', neighbour)).toEqual({
      posting: 'w',
    });
    const readers = roles.filter((role) => actionsOf(role).includes('contacts.read'));
    expect(readers).toEqual(['grid_worker', 'community_dispatcher', 'community_secretary']);
  });

  test('residents, volunteers and property workers have what is theirs and no more', () => {
    for (const role of ['resident', 'volunteer', 'property_worker'] as const) expect(actionsOf(role)).toEqual([]);
    const resident = person('resident-1', at('resident', community));
    const own = ['tickets.read', 'tickets.rate', 'tickets.withdraw', 'tickets.attach'];
    expect(permitted(resident, inGrid)).toEqual(new Set(own));
    expect(permitted(resident, outside)).toEqual(new Set());
    expect(permit(resident, 'postings.read', { person: 'resident-1' })).toEqual({ own: true });
  });
});

describe('In which capacity', () => {
  const secretary = at('community_secretary', community, 's');
  const dispatcher = at('community_dispatcher', community, 'd');

  test('one’s own right comes before every posting', () => {
    const input = person('resident-1', secretary, dispatcher);
    expect(permit(input, 'tickets.withdraw', inGrid)).toEqual({ own: true });
  });

  test('several postings that permit a command must be chosen from, and reading needs no choice', () => {
    const input = person('x', secretary, dispatcher);
    expect(permit(input, 'tickets.dispatch', inGrid)).toEqual({
      refused: 'capacity-needed',
      field: 'actingAs',
      values: { postings: ['s', 'd'] },
    });
    expect(permit({ ...input, actingAs: 'd' }, 'tickets.dispatch', inGrid)).toEqual({ posting: 'd' });
    expect(isRefused(permit(input, 'tickets.read', inGrid))).toBe(false);
  });

  test('a posting that is not held now is refused, also where another right would do', () => {
    const input = { ...person('resident-1', secretary), actingAs: 'ended' };
    expect(permit(input, 'tickets.withdraw', inGrid)).toEqual({ refused: 'unknown-posting', field: 'actingAs' });
  });

  test('the wrong capacity of a person who sees the object is forbidden, not hidden', () => {
    const input = { ...person('x', secretary, at('member', elsewhere, 'm')), actingAs: 'm' };
    expect(permit(input, 'tickets.dispatch', inGrid)).toEqual({ refused: 'not-permitted' });
    expect(permit(input, 'tickets.read', inGrid)).toEqual({ refused: 'not-visible' });
  });

  test('who is not signed in is asked to, and a service has no rights of its own', () => {
    expect(permit({ caller: { kind: 'guest' }, postings: [] }, 'tickets.read', inGrid)).toEqual({
      refused: 'sign-in-needed',
    });
    expect(permit({ caller: { kind: 'service', name: 'x' }, postings: [] }, 'tickets.read', inGrid)).toEqual({
      refused: 'not-permitted',
    });
  });

  test('another system does what its scopes name, in its territory', () => {
    const client: AccessInput = {
      caller: { kind: 'client', id: 'hotline', scopes: ['tickets.import', 'events'], territory: community },
      postings: [],
    };
    expect(permit(client, 'tickets.import', inGrid)).toEqual({});
    expect(permit(client, 'tickets.import', outside)).toEqual({ refused: 'not-permitted' });
    expect(permit(client, 'tickets.read', inGrid)).toEqual({ refused: 'not-visible' });
    expect(filter(client, 'tickets.read')).toBeUndefined();
    expect(readsPersonalData(client, inGrid)).toBe(false);
  });
});

const codes = ['4599', '459902', '459902001', community, elsewhere, grid];
const objects = fc.record(
  {
    territories: fc.constantFrom(inGrid.territories, outside.territories, ['45', '4599', '459902']),
    handler: fc.constantFrom('unit:u', `grid:${grid}`, `open_call:${community}`, 'person:x', 'person:y'),
    orderer: fc.constantFrom('x', 'y'),
    person: fc.constantFrom('x', 'y'),
  },
  { requiredKeys: ['territories'] },
);
const postings = fc.array(
  fc.record({
    id: fc.uuid(),
    role: fc.constantFrom(...roles.filter((role) => role !== 'system')),
    unit: fc.constantFrom('u', 'v'),
    territory: fc.constantFrom(...codes),
  }),
  { maxLength: 4 },
);

function matches(found: Filter | undefined, object: AccessObject): boolean {
  if (found === undefined) return false;
  const branches = '$or' in found ? found.$or : [found];
  return branches.some(
    (branch) =>
      (branch.territories === undefined || object.territories?.includes(branch.territories)) &&
      (branch.handler === undefined || branch.handler === object.handler) &&
      (branch.orderer === undefined || branch.orderer === object.orderer) &&
      (branch.person === undefined || branch.person === object.person),
  );
}

describe('One table for checks, filters and front ends', () => {
  test('a list finds exactly what a check permits', () => {
    fc.assert(
      fc.property(postings, objects, fc.constantFrom(...actions), (held, object, action) => {
        const input = person('x', ...held);
        expect(matches(filter(input, action), object)).toBe(permitted(input, object).has(action));
      }),
    );
  });

  test('a list by what is hidden from some finds exactly what is shown by a posting', () => {
    fc.assert(
      fc.property(postings, objects, (held, { territories, handler }) => {
        const input = person('x', ...held);
        const object = { territories, handler };
        const shown = matches(filterWithPersonalData(input, 'tickets.read'), { ...object, orderer: 'x', person: 'x' });
        expect(shown).toBe(readsPersonalData(input, object));
      }),
    );
  });

  test('a front end with the packed rules decides as the server does', () => {
    fc.assert(
      fc.property(postings, objects, fc.constantFrom(...actions), (held, object, action) => {
        const input = person('x', ...held);
        const ability = createMongoAbility<[string, string | AccessObject]>(unpackRules<Rule>(rulesFor(input)));
        const [noun = '', verb = ''] = action.split('.');
        expect(ability.can(verb, subject(noun, { ...object }))).toBe(permitted(input, object).has(action));
      }),
    );
  });

  test('a command is permitted, or a choice is asked for, exactly where it is among the permitted', () => {
    fc.assert(
      fc.property(postings, objects, fc.constantFrom(...actions), (held, object, action) => {
        const input = person('x', ...held);
        const outcome = permit(input, action, object);
        const open = !isRefused(outcome) || outcome.refused === 'capacity-needed';
        expect(open).toBe(permitted(input, object).has(action));
      }),
    );
  });

  test('a filter has no branch within another', () => {
    const input = person(
      'x',
      at('city_supervisor', '4599'),
      at('grid_worker', grid),
      at('community_secretary', community),
    );
    expect(filter(input, 'tickets.read')).toEqual({
      $or: [{ orderer: 'x' }, { territories: '4599' }, { handler: `grid:${grid}` }],
    });
    expect(filter(person('x'), 'tickets.dispatch')).toBeUndefined();
    expect(filter(person('x', at('administrator', '4599')), 'accounts.register')).toEqual({});
  });

  test('every action is permitted to some role or to everybody with what is theirs', () => {
    const reachable = new Set<Action>([...roles.flatMap(actionsOf), 'tickets.rate', 'tickets.withdraw']);
    expect([...actions].filter((action) => !reachable.has(action))).toEqual([]);
  });
});

test('a check takes microseconds', () => {
  const input = person('x', ...codes.map((code) => at('grid_worker', code)), at('community_dispatcher', community));
  const object = { ...inGrid, handler: `grid:${grid}` };
  const run = (times: number): number => {
    const begin = performance.now();
    for (let i = 0; i < times; i++) permit(input, i % 2 === 0 ? 'tickets.dispatch' : 'tickets.resolve', object);
    return ((performance.now() - begin) * 1000) / times;
  };
  run(2_000);
  const microseconds = run(20_000);
  process.stdout.write(`access: ${microseconds.toFixed(2)} µs a check with 7 postings\n`);
  // Loose on purpose: the figure is for reading, the limit for a mistake of an order of magnitude.
  expect(microseconds).toBeLessThan(200);
});

type Same<A, B> = [A, B] extends [B, A] ? true : false;

test('the actions are those that the contracts name, ordering on behalf and adding photos', () => {
  // Does not compile when one is missing or too many; at run time it says which.
  const same: Same<Action, ContractAction | 'tickets.order' | 'tickets.attach'> = true;
  expect(same).toBe(true);
  expect([...actions].sort()).toEqual(
    [...new Set<string>([...contractActions, 'tickets.order', 'tickets.attach'])].sort(),
  );
});
