import { fold } from '@bandeng/decider';
import { given } from '@bandeng/decider/testing';
import { describe, expect, test } from 'vitest';
import { hasRightCheckCharacter } from './creditcode.ts';
import { overlap } from './period.ts';
import { heldRoles, isHeldAt } from './places.ts';
import { type PostingEvent, postingDecider, type StartPosting } from './posting.ts';
import { type RegisterTerritory, type TerritoryEvent, territoryDecider } from './territory.ts';
import { type RegisterUnit, unitDecider } from './unit.ts';

const monday = '2026-03-02T01:00:00.000Z';
const tuesday = '2026-03-03T01:00:00.000Z';
const friday = '2026-03-06T01:00:00.000Z';
const community = '459902001001';
const territories = ['45', '4599', '459902', '459902001', community];

describe('A unit', () => {
  const register: RegisterUnit = {
    do: 'register',
    kind: 'city_organ',
    name: '市住房和城乡建设局',
    territory: '4599',
    territories: ['45', '4599'],
    creditCode: '91350100M000100Y43',
    validFrom: monday,
    recordedAt: tuesday,
    facts: { territoryKnown: true },
  };

  test('is registered where it sits', () => {
    const [event] = given(unitDecider).when(register).events();
    expect(event).toMatchObject({ type: 'unit-registered', data: { name: register.name, warnings: [] } });
    expect(event?.data).not.toHaveProperty('facts');
  });

  test('sits in a territory that is registered', () => {
    given(unitDecider)
      .when({ ...register, facts: { territoryKnown: false } })
      .thenRefused('unknown-territory');
  });

  test('is registered also with a credit code whose check character is wrong, and the fault is told', () => {
    const state = given(unitDecider)
      .when({ ...register, creditCode: '91350100M000100Y44' })
      .state();
    expect(state?.warnings).toEqual(['credit-code-check-character']);
  });

  test('of the example in GB 32100 has the right check character', () => {
    expect(hasRightCheckCharacter('91350100M000100Y43')).toBe(true);
    expect(hasRightCheckCharacter('91350100M000100Y34')).toBe(false);
    expect(hasRightCheckCharacter('91350100I000100Y43')).toBe(false);
    expect(hasRightCheckCharacter('')).toBe(false);
  });
});

describe('A territory', () => {
  const grid = `${community}001`;
  const register: RegisterTerritory = {
    do: 'register',
    kind: 'grid',
    name: '第一网格',
    parent: community,
    territories: [...territories, grid],
    covers: [`${community}502`, `${community}501`],
    validFrom: monday,
    recordedAt: monday,
    facts: { parentKnown: true, unknown: [], outside: [] },
  };
  const registered: TerritoryEvent = {
    type: 'territory-registered',
    data: {
      kind: 'grid',
      name: '第一网格',
      parent: community,
      territories: [...territories, grid],
      covers: [`${community}501`, `${community}502`],
      validFrom: monday,
      recordedAt: monday,
    },
  };

  test('is registered below the one that its code names', () => {
    given(territoryDecider).when(register).thenEvents(registered);
    given(territoryDecider)
      .when({ ...register, facts: { ...register.facts, parentKnown: false } })
      .thenRefused('unknown-territory');
  });

  test('registered again the same changes nothing, under another name it is refused', () => {
    given(territoryDecider, registered).when(register).thenNothing();
    given(territoryDecider, registered)
      .when({ ...register, covers: [] })
      .thenNothing();
    given(territoryDecider, registered)
      .when({ ...register, name: '第二网格' })
      .thenRefused('already-registered');
    given(territoryDecider, registered)
      .when({ ...register, covers: [`${community}503`] })
      .thenRefused('already-registered');
  });

  test('covers others only as a grid, and only registered ones of its own community', () => {
    const facts = { unknown: [], outside: [] };
    const cover = { do: 'cover', covers: [`${community}503`], recordedAt: tuesday, facts } as const;
    const compound: TerritoryEvent = {
      ...registered,
      data: { ...registered.data, kind: 'compound', covers: [] },
    } as never;
    given(territoryDecider, registered)
      .when(cover)
      .thenEvents({ type: 'territory-covered', data: { covers: [`${community}503`], recordedAt: tuesday } });
    given(territoryDecider, compound).when(cover).thenRefused('not-a-grid');
    given(territoryDecider).when(cover).thenRefused('not-found');
    given(territoryDecider, registered)
      .when({ ...cover, facts: { ...facts, unknown: cover.covers } })
      .thenRefused('unknown-territory');
    given(territoryDecider, registered)
      .when({ ...cover, facts: { ...facts, outside: cover.covers } })
      .thenRefused('outside-this-community');
    given(territoryDecider)
      .when({ ...register, kind: 'compound' })
      .thenRefused('not-a-grid');
  });

  test('that covers the same again has not changed', () => {
    const same = { do: 'cover', covers: register.covers, recordedAt: tuesday, facts: register.facts } as const;
    given(territoryDecider, registered).when(same).thenNothing();
  });
});

describe('A posting', () => {
  const start: StartPosting = {
    do: 'start',
    person: 'x',
    role: 'community_dispatcher',
    territory: community,
    territories,
    validFrom: tuesday,
    recordedAt: monday,
    facts: { personKnown: true, unitKnown: false, territoryKnown: true, kind: 'community', belongsElsewhere: false },
  };
  const { do: _, facts: __, ...data } = start;
  const started: PostingEvent = { type: 'posting-started', data };

  test('starts for a known person at a place where the role is held', () => {
    given(postingDecider).when(start).thenEvents(started);
    const facts = start.facts;
    given(postingDecider)
      .when({ ...start, facts: { ...facts, personKnown: false } })
      .thenRefused('unknown-person');
    given(postingDecider)
      .when({ ...start, facts: { ...facts, territoryKnown: false } })
      .thenRefused('unknown-territory');
    given(postingDecider)
      .when({ ...start, facts: { ...facts, kind: 'street' } })
      .thenRefused('wrong-place');
  });

  test('takes in nobody who belongs elsewhere, and does not say where', () => {
    const facts = { ...start.facts, belongsElsewhere: true };
    const refused = given(postingDecider).when({ ...start, role: 'member', facts });
    refused.thenRefused('belongs-elsewhere');
    expect(postingDecider.decide(undefined, { ...start, role: 'member', facts })).toEqual({
      refused: 'belongs-elsewhere',
      field: 'person',
    });
  });

  test('counts together with another at some instant, or at none', () => {
    const open = { validFrom: tuesday };
    expect(overlap({ validFrom: monday }, open)).toBe(true);
    expect(overlap({ validFrom: monday, validUntil: friday }, open)).toBe(true);
    // Whoever moves on the day is not in two places.
    expect(overlap({ validFrom: monday, validUntil: tuesday }, open)).toBe(false);
    expect(overlap(open, { validFrom: monday, validUntil: tuesday })).toBe(false);
    expect(overlap({ validFrom: friday, validUntil: friday }, open)).toBe(false);
  });

  test('of a liaison is at a unit, every other at a territory, and none at both', () => {
    const { territory: _, ...nowhere } = start;
    const liaison: StartPosting = {
      ...nowhere,
      role: 'organ_liaison',
      unit: 'u',
      facts: { ...start.facts, unitKnown: true },
    };
    expect(given(postingDecider).when(liaison).events()).toHaveLength(1);
    given(postingDecider)
      .when({ ...liaison, facts: start.facts })
      .thenRefused('unknown-unit');
    given(postingDecider)
      .when({ ...liaison, territory: community })
      .thenRefused('wrong-place');
    given(postingDecider)
      .when({ ...start, role: 'organ_liaison' })
      .thenRefused('wrong-place');
    given(postingDecider)
      .when({ ...start, unit: 'u' })
      .thenRefused('wrong-place');
    given(postingDecider).when(nowhere).thenRefused('wrong-place');
  });

  test('does not end before it begins', () => {
    given(postingDecider)
      .when({ ...start, validUntil: monday })
      .thenRefused('period-reversed');
    given(postingDecider)
      .when({ ...start, validUntil: tuesday })
      .thenRefused('period-reversed');
    given(postingDecider, started).when({ do: 'end', at: monday, recordedAt: friday }).thenRefused('period-reversed');
  });

  test('ends now, or when it is said to', () => {
    given(postingDecider, started)
      .when({ do: 'end', recordedAt: friday })
      .thenEvents({ type: 'posting-ended', data: { validUntil: friday, recordedAt: friday } });
    given(postingDecider, started)
      .when({ do: 'end', at: friday, recordedAt: tuesday })
      .thenEvents({ type: 'posting-ended', data: { validUntil: friday, recordedAt: tuesday } });
    given(postingDecider).when({ do: 'end', recordedAt: friday }).thenRefused('not-found');
  });

  test('that has not begun is called off', () => {
    const state = given(postingDecider, started).when({ do: 'end', recordedAt: monday }).state();
    expect(state).toMatchObject({ validFrom: tuesday, validUntil: tuesday });
  });

  test('ends once; an end to come can only be brought forward', () => {
    const ended: PostingEvent = { type: 'posting-ended', data: { validUntil: friday, recordedAt: monday } };
    given(postingDecider, started, ended)
      .when({ do: 'end', at: friday, recordedAt: tuesday })
      .thenRefused('already-ended');
    given(postingDecider, started, ended)
      .when({ do: 'end', recordedAt: '2026-03-09T01:00:00.000Z' })
      .thenRefused('already-ended');
    expect(fold(postingDecider.evolve, [started, ended])).toMatchObject({ validUntil: friday, changedAt: monday });
    given(postingDecider, started, ended)
      .when({ do: 'end', recordedAt: tuesday })
      .thenEvents({ type: 'posting-ended', data: { validUntil: tuesday, recordedAt: tuesday } });
  });

  test('of each role has its place', () => {
    const kinds = ['city', 'district', 'street', 'community', 'grid', 'compound', 'building'] as const;
    const where = heldRoles.map((role) => `${role}: ${kinds.filter((kind) => isHeldAt(role, kind)).join(' ')}`);
    expect(where).toMatchInlineSnapshot(`
      [
        "resident: city district street community grid compound building",
        "volunteer: city district street community grid compound building",
        "member: community",
        "building_head: building",
        "grid_worker: community grid",
        "property_worker: city district street community grid compound building",
        "compound_secretary: compound",
        "community_dispatcher: community",
        "community_secretary: community",
        "street_officer: street",
        "organ_liaison: ",
        "district_supervisor: district",
        "city_supervisor: city",
        "auditor: city district street community grid compound building",
        "administrator: city district street community grid compound building",
      ]
    `);
  });
});
