import { type Role, roles } from '@bandeng/access';
import { type Chance, chanceFrom, plannedId } from './chance.ts';
import * as words from './names.ts';
import { type Doer, type Stage, type TicketStory, tellStory } from './stories.ts';

/** Kinds of units. */
export type UnitKind =
  | 'city_organ'
  | 'district_organ'
  | 'street'
  | 'community'
  | 'compound'
  | 'property_company'
  | 'owners_committee'
  | 'enterprise'
  | 'social_organization'
  | 'volunteer_team';

/** Roles that people hold in the plan: all but `system`, which nobody holds by a posting. */
export type PlannedRole = Exclude<Role, 'system'>;

/** A territory to register; parents come before children, grids after what they cover. */
export interface PlannedTerritory {
  readonly code: string;
  readonly name: string;
  readonly covers: readonly string[];
}
/** A unit to register. */
export interface PlannedUnit {
  readonly id: string;
  readonly kind: UnitKind;
  readonly name: string;
  readonly territory: string;
}
/** An account to register. Only demo logins can sign in. The phone is of a range that is assigned to nobody. */
export interface PlannedAccount {
  readonly id: string;
  readonly login: string;
  readonly password?: string;
  readonly name: string;
  readonly phone: string;
  readonly language: 'zh-CN' | 'en';
}
/** A posting to start: at a unit or at a territory. */
export interface PlannedPosting {
  readonly id: string;
  readonly person: string;
  readonly role: PlannedRole;
  readonly unit?: string;
  readonly territory?: string;
  readonly validFrom: string;
}
/** A login that the demo prints, one for each role. */
export interface DemoLogin {
  readonly login: string;
  readonly password: string;
  readonly role: PlannedRole;
  readonly name: string;
  readonly place: string;
}
/** Another system that may call in the demo city, by client credentials. */
export interface PlannedClient {
  readonly id: string;
  readonly secret: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly territory: string;
}

/** A whole city, in the order in which it has to be registered. */
export interface CityPlan {
  readonly city: string;
  readonly territories: readonly PlannedTerritory[];
  readonly units: readonly PlannedUnit[];
  readonly accounts: readonly PlannedAccount[];
  readonly postings: readonly PlannedPosting[];
  readonly categories: readonly (readonly string[])[];
  readonly clients: readonly PlannedClient[];
  readonly stories: readonly TicketStory[];
  readonly logins: readonly DemoLogin[];
}

/** Code of the demo city: an unassigned prefecture. */
export const demoCity = '4599';
/** Password of every demo login. It opens nothing but a demo city. */
export const demoPassword = 'bandeng-demo';

const held = roles.filter((role): role is PlannedRole => role !== 'system');

/** Systems that the demo city knows, with their secrets. They open nothing but a demo city. */
export const demoClients: readonly PlannedClient[] = [
  {
    id: 'demo-system',
    secret: 'bandeng-demo-system',
    name: '城市运行管理平台',
    scopes: ['events', 'tickets.read'],
    territory: demoCity,
  },
  {
    id: 'demo-import',
    secret: 'bandeng-demo-import',
    name: '数据导入',
    scopes: ['tickets.import', 'categories.register'],
    territory: demoCity,
  },
];

/** Hezhou's scale. */
const whole = {
  streets: 6,
  communities: 12,
  compounds: 133,
  grids: 251,
  units: 487,
  organs: 100,
  members: 10_000,
  tickets: 1_800,
};

/** A capital city's streets have as many communities. */
const mostInStreet = 20;

const digits = (number: number, width: number): string => String(number).padStart(width, '0');

/**
 * Plans a city: the same options give the same plan, to the letter.
 * @param options.scale 1 is Hezhou's scale; 0.1 the demo's, 0.02 enough for a test
 * @param options.communities as many, each as large as Hezhou's at that scale; 5,000 are a capital city
 * @param options.now the instant at which the city stands; stories end before it
 */
export function planCity(options: { seed?: number; scale?: number; communities?: number; now: Date }): CityPlan {
  const { seed = 1, scale = 0.1, now } = options;
  const chance = chanceFrom(seed);
  const some = (number: number, least: number): number => Math.max(least, Math.round(number * scale));
  const territories: PlannedTerritory[] = [];
  const units: PlannedUnit[] = [];
  const accounts: PlannedAccount[] = [];
  const postings: PlannedPosting[] = [];
  const logins: DemoLogin[] = [];
  const validFrom = new Date(now.getTime() - 800 * 24 * 3_600_000).toISOString();

  const name = (): string => chance.of(words.surnames) + chance.of(words.givenNames);
  const person = (login?: PlannedRole): string => {
    const number = accounts.length + 1;
    const id = plannedId(seed, 'person', number);
    const phone = `115${digits(number, 8)}`;
    accounts.push({
      id,
      login: login ?? `p${digits(number, 6)}`,
      ...(login ? { password: demoPassword } : {}),
      name: name(),
      phone,
      language: 'zh-CN',
    });
    return id;
  };
  const post = (who: string, role: PlannedRole, place: { unit: string } | { territory: string }): Doer => {
    const id = plannedId(seed, 'posting', postings.length + 1);
    postings.push({ id, person: who, role, ...place, validFrom });
    return { person: who, posting: id };
  };
  const unit = (kind: UnitKind, unitName: string, territory: string): string => {
    const id = plannedId(seed, 'unit', units.length + 1);
    units.push({ id, kind, name: unitName, territory });
    return id;
  };

  territories.push(
    { code: demoCity.slice(0, 2), name: '示范省', covers: [] },
    { code: demoCity, name: '板凳市', covers: [] },
  );
  const districts = words.districtNames.map((districtName, index) => ({
    code: `${demoCity}${digits(index + 1, 2)}`,
    name: districtName,
  }));
  for (const { code, name: districtName } of districts) {
    territories.push({ code, name: districtName, covers: [] });
    unit('district_organ', `${districtName}政务服务和数据局`, code);
  }

  const organs = Array.from({ length: some(whole.organs, 3) }, (_, index) => {
    const base = words.organNames[index % words.organNames.length] ?? '市机关';
    const round = Math.floor(index / words.organNames.length);
    return { id: unit('city_organ', round === 0 ? base : `${base}第${round}分局`, demoCity), name: base };
  });
  const liaisons = organs.map((organ, index) => ({
    id: organ.id,
    liaison: post(person(index === 0 ? 'organ_liaison' : undefined), 'organ_liaison', { unit: organ.id }),
  }));

  const communityCount = options.communities ?? some(whole.communities, 2);
  const streetCount = Math.max(some(whole.streets, 2), Math.ceil(communityCount / mostInStreet));
  const streets = Array.from({ length: streetCount }, (_, index) => {
    const district = districts[index % districts.length]?.code ?? demoCity;
    const code = `${district}${digits(Math.floor(index / districts.length) + 1, 3)}`;
    const streetName = words.streetNames[index % words.streetNames.length] ?? '街道';
    territories.push({ code, name: streetName, covers: [] });
    unit('street', `${streetName}党工委`, code);
    post(person(index === 0 ? 'street_officer' : undefined), 'street_officer', { territory: code });
    return code;
  });

  const sharedBy = options.communities === undefined ? communityCount : whole.communities;
  const stages: Stage[] = [];
  for (let index = 0; index < communityCount; index++) {
    stages.push(
      planCommunity(
        index,
        sharedBy,
        streets[index % streets.length] ?? demoCity,
        Math.floor(index / streets.length) + 1,
      ),
    );
  }

  function planCommunity(index: number, count: number, street: string, number: number): Stage {
    const pilot = index === 0;
    const code = `${street}${digits(number, 3)}`;
    const communityName = words.communityNames[index % words.communityNames.length] ?? '社区';
    territories.push({ code, name: communityName, covers: [] });
    unit('community', `${communityName}党委`, code);
    unit('volunteer_team', `${communityName}志愿服务队`, code);
    const dispatcher = post(person(pilot ? 'community_dispatcher' : undefined), 'community_dispatcher', {
      territory: code,
    });
    post(person(pilot ? 'community_secretary' : undefined), 'community_secretary', { territory: code });

    const share = (number: number, least: number): number => Math.max(least, Math.round((number * scale) / count));
    const buildings: string[] = [];
    for (let compound = 0; compound < share(whole.compounds, 2); compound++) {
      const compoundCode = `${code}${digits(500 + compound, 3)}`;
      const compoundName =
        pilot && compound === 0
          ? '大修厂小区'
          : `${words.compoundNames[(compound + index * 5 + 1) % words.compoundNames.length]}${compound >= words.compoundNames.length ? `${Math.floor(compound / words.compoundNames.length) + 1}期` : ''}`;
      territories.push({ code: compoundCode, name: compoundName, covers: [] });
      unit('compound', `${compoundName}党支部`, compoundCode);
      if (compound % 2 === 0) unit('owners_committee', `${compoundName}业主委员会`, compoundCode);
      const property =
        compound % 3 === 1 ? unit('property_company', `${compoundName}物业服务公司`, compoundCode) : undefined;
      post(person(pilot && compound === 0 ? 'compound_secretary' : undefined), 'compound_secretary', {
        territory: compoundCode,
      });
      if (property !== undefined || (pilot && compound === 0))
        post(person(pilot && compound === 0 ? 'property_worker' : undefined), 'property_worker', {
          territory: compoundCode,
        });
      const houses = pilot && compound === 0 ? 9 : chance.between(2, 6);
      for (let building = 1; building <= houses; building++) {
        const buildingCode = `${compoundCode}${digits(building, 3)}`;
        territories.push({ code: buildingCode, name: `${building}栋`, covers: [] });
        buildings.push(buildingCode);
        if (building === 1)
          post(person(pilot && compound === 0 ? 'building_head' : undefined), 'building_head', {
            territory: buildingCode,
          });
      }
    }

    const grids = Array.from({ length: share(whole.grids, 2) }, (_, grid) => {
      const gridCode = `${code}${digits(grid + 1, 3)}`;
      const gridCount = share(whole.grids, 2);
      territories.push({
        code: gridCode,
        name: `第${grid + 1}网格`,
        covers: buildings.filter((_, place) => place % gridCount === grid),
      });
      const worker = post(person(pilot && grid === 0 ? 'grid_worker' : undefined), 'grid_worker', {
        territory: gridCode,
      });
      return { code: gridCode, worker };
    });

    const members = Array.from({ length: share(whole.members, 5) }, (_, member) =>
      post(person(pilot && member === 0 ? 'member' : undefined), 'member', { territory: code }),
    );
    const residents = Array.from({ length: share(whole.members / 8, 5) }, (_, resident) => {
      const building = pilot && resident === 0 ? (buildings[0] ?? code) : chance.of(buildings);
      const who = person(pilot && resident === 0 ? 'resident' : undefined);
      post(who, 'resident', { territory: building });
      return { person: who, building };
    });
    if (pilot) {
      post(person('volunteer'), 'volunteer', { territory: code });
    }
    return { community: code, dispatcher, residents, grids, units: liaisons, members };
  }

  post(person('district_supervisor'), 'district_supervisor', { territory: districts[0]?.code ?? demoCity });
  post(person('city_supervisor'), 'city_supervisor', { territory: demoCity });
  post(person('auditor'), 'auditor', { territory: demoCity });
  post(person('administrator'), 'administrator', { territory: demoCity });
  fillUnits(chance, units.length, some(whole.units, units.length));

  /** Enterprises and social organizations make up what is missing to the number of units. */
  function fillUnits(source: Chance, from: number, to: number): void {
    for (let number = from; number < to; number++) {
      const community = source.of(stages).community;
      const kind = source.happens(0.6) ? 'enterprise' : 'social_organization';
      unit(
        kind,
        kind === 'enterprise' ? `${source.of(words.surnames)}氏商贸有限公司${number}` : `爱心互助会${number}`,
        community,
      );
    }
  }

  const names = new Map(territories.map((territory) => [territory.code, territory.name]));
  const unitNames = new Map(units.map((planned) => [planned.id, planned.name]));
  for (const role of held) {
    const account = accounts.find((candidate) => candidate.login === role);
    const posting = postings.find((candidate) => candidate.person === account?.id);
    if (account === undefined || posting === undefined) throw new Error(`no demo login for ${role}`);
    const place = posting.unit ? unitNames.get(posting.unit) : names.get(posting.territory ?? '');
    logins.push({ login: role, password: demoPassword, role, name: account.name, place: place ?? '' });
  }

  const storyCount = some(whole.tickets, 12);
  const twoYears = 700 * 24 * 3_600_000;
  const stories = Array.from({ length: storyCount }, (_, number) => {
    // Two of three lie in the past two years, evenly; the others in the last week, where work is going on.
    const age = number % 3 === 0 ? chance.next() * 7 * 24 * 3_600_000 : chance.next() * twoYears;
    return tellStory(chance, seed, number, chance.of(stages), now.getTime(), Math.floor(age));
  }).sort((one, other) => one.orderedAt.localeCompare(other.orderedAt));

  return {
    city: demoCity,
    territories,
    units,
    accounts,
    postings,
    categories: words.topics.map((topic) => topic.category),
    clients: demoClients,
    stories,
    logins,
  };
}
