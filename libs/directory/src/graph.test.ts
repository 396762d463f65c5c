import { Posting, Role_Value, Territory, TerritoryKind_Value, Unit, UnitKind_Value } from '@bandeng/contracts/orggraph';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Graph } from './graph.ts';

const community = '459902001001';
const compound = `${community}501`;
const building = `${compound}003`;
const day = (n: number) => new Date(Date.UTC(2026, 0, n));

function posting(id: string, person: string, role: Role_Value, more: Partial<Posting> = {}): Posting {
  return Posting.fromPartial({ id, version: 1, person, role, validFrom: day(1), ...more });
}

function grid(code: string, version: number, covers: string[]): Territory {
  return Territory.fromPartial({ id: code, version, kind: TerritoryKind_Value.GRID, name: code, covers });
}

describe('Who holds what', () => {
  test('a posting counts from its beginning until before its end', () => {
    const graph = new Graph();
    graph.take({ postings: [posting('p', 'x', 'MEMBER', { territory: community, validUntil: day(10) })] });
    expect(graph.postingsOf('x', new Date(day(1).getTime() - 1))).toEqual([]);
    expect(graph.postingsOf('x', day(1))).toEqual([{ id: 'p', role: 'member', territory: community }]);
    expect(graph.postingsOf('x', new Date(day(10).getTime() - 1))).toHaveLength(1);
    expect(graph.postingsOf('x', day(10))).toEqual([]);
    expect(graph.postingsOf('y', day(2))).toEqual([]);
  });

  test('ending a posting takes it away everywhere, and a late copy of the old does not bring it back', () => {
    const graph = new Graph();
    const started = posting('p', 'x', 'ORGAN_LIAISON', { unit: 'u' });
    const ended = { ...started, version: 2, validUntil: day(5) };
    graph.take({ postings: [started] });
    expect(graph.take({ postings: [ended] })).toHaveLength(1);
    expect(graph.take({ postings: [started, ended] })).toEqual([]);
    expect(graph.postingsOf('x', day(6))).toEqual([]);
    expect(graph.holders({ unit: 'u', roles: ['organ_liaison'], at: day(6) })).toEqual([]);
    expect(graph.holders({ unit: 'u', roles: ['organ_liaison'], at: day(4) })).toEqual(['x']);
  });

  test('holders are people exactly there in one of the roles, each once', () => {
    const graph = new Graph();
    graph.take({
      postings: [
        posting('1', 'x', 'COMMUNITY_DISPATCHER', { territory: community }),
        posting('2', 'x', 'COMMUNITY_SECRETARY', { territory: community }),
        posting('3', 'y', 'COMMUNITY_SECRETARY', { territory: community }),
        posting('4', 'z', 'MEMBER', { territory: community }),
        posting('5', 'w', 'COMMUNITY_SECRETARY', { territory: '459902001002' }),
      ],
    });
    const roles = ['community_dispatcher', 'community_secretary'] as const;
    expect(graph.holders({ territory: community, roles, at: day(2) })).toEqual(['x', 'y']);
    expect(graph.holders({ roles, at: day(2) })).toEqual([]);
  });

  test('a role that is not known here opens nothing', () => {
    const graph = new Graph();
    expect(graph.take({ postings: [posting('p', 'x', 'UNSPECIFIED', { territory: community })] })).toEqual([]);
  });
});

describe('Where something is', () => {
  test('it is found under all places above it and under the grids that cover it', () => {
    const graph = new Graph();
    graph.take({ territories: [grid(`${community}001`, 1, [compound]), grid(`${community}002`, 1, [building])] });
    expect(graph.coveringGrids(compound)).toEqual([`${community}001`]);
    expect(graph.ancestors(building)).toEqual([
      '45',
      '4599',
      '459902',
      '459902001',
      community,
      compound,
      building,
      `${community}001`,
      `${community}002`,
    ]);
    expect(graph.ancestors(`${community}001`).at(-1)).toBe(`${community}001`);
  });

  test('a grid covers what its last version says', () => {
    const graph = new Graph();
    graph.take({
      territories: [grid(`${community}001`, 1, [compound]), grid(`${community}001`, 2, [`${community}502`])],
    });
    expect(graph.coveringGrids(compound)).toEqual([]);
    expect(graph.coveringGrids(`${community}502001`)).toEqual([`${community}001`]);
  });

  test('units keep name, kind and seat', () => {
    const graph = new Graph();
    graph.take({
      units: [
        Unit.fromPartial({ id: 'u', version: 1, kind: UnitKind_Value.CITY_ORGAN, name: '市住建局', territory: '4599' }),
      ],
    });
    expect(graph.unit('u')).toMatchObject({ kind: 'city_organ', name: '市住建局', territory: '4599' });
  });
});

test('in whichever order and however often changes come, the same is known in the end', () => {
  const versions = fc.uniqueArray(
    fc.record({
      id: fc.constantFrom('a', 'b', 'c'),
      version: fc.integer({ min: 1, max: 5 }),
      person: fc.constantFrom('x', 'y'),
      role: fc.constantFrom(Role_Value.MEMBER, Role_Value.ORGAN_LIAISON),
      unit: fc.constantFrom('', 'u'),
      territory: fc.constantFrom('', community),
      until: fc.constantFrom(2, 9),
    }),
    { selector: ({ id, version }) => `${id}:${version}` },
  );
  const known = (changes: readonly Posting[]): unknown => {
    const graph = new Graph();
    for (const change of changes) graph.take({ postings: [change] });
    const sorted = (ids: string[]) => [...ids].sort();
    return ['x', 'y'].map((person) => [
      sorted(graph.postingsOf(person, day(3)).map(({ id }) => id)),
      sorted(graph.holders({ unit: 'u', roles: ['member', 'organ_liaison'], at: day(1) })),
      sorted(graph.holders({ territory: community, roles: ['member'], at: day(3) })),
    ]);
  };
  fc.assert(
    fc.property(versions, fc.infiniteStream(fc.nat()), (items, chance) => {
      const changes = items.map(({ until, ...item }) =>
        Posting.fromPartial({ ...item, validFrom: day(1), validUntil: day(until) }),
      );
      const shuffled = [...changes, ...changes]
        .map((change) => ({ change, at: chance.next().value }))
        .sort((a, b) => a.at - b.at)
        .map(({ change }) => change);
      expect(known(shuffled)).toEqual(known(changes.toSorted((a, b) => a.version - b.version)));
    }),
  );
});
