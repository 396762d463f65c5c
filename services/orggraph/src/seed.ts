/** The graph of a planned city, registered by this service's own commands. */
import type { CityPlan } from '@bandeng/city';
import { isRefused } from '@bandeng/decider';
import { kindOf, parentOf, prefixes } from '@bandeng/directory';
import type { CommandContext } from '@bandeng/records';
import type { House } from '@bandeng/service';
import { openGraph } from './records.ts';

/** Commands under way at once: what is asked for together is written together, so many make few writes. */
const atOnce = 128;

/**
 * Registers territories, units and postings of a plan. Repeating it changes nothing. It is written down now, whenever it began
 * to count, and goes over the bus: that is how running services and other systems come to know the graph.
 */
export async function seed(
  house: Pick<House, 'records' | 'now'>,
  plan: Pick<CityPlan, 'territories' | 'units' | 'postings'>,
  progress: (done: number, all: number) => void = () => {},
): Promise<void> {
  const { territories, units, postings } = await openGraph(house.records);
  const recordedAt = house.now().toISOString();
  const seats = new Map(plan.units.map(({ id, territory }) => [id, territory]));
  const validFrom = plan.postings.map((posting) => posting.validFrom).reduce(earlier, recordedAt);
  const context = (what: string): CommandContext => ({
    id: `seed:${what}`,
    at: recordedAt,
    actor: { system: 'orggraph' },
    expectNew: true,
  });

  // A plan is whole: what it names is in it. So nothing needs to be looked up, and the order does not matter.
  const work = [
    ...plan.territories.map(({ code, name, covers }) => () => {
      const kind = kindOf(code);
      const parent = parentOf(code);
      if (kind === undefined) throw new TypeError(`the plan has a territory ${code}, which is no code`);
      return territories.run(code, context(code), () => ({
        command: {
          do: 'register',
          kind,
          name,
          ...(parent === undefined ? {} : { parent }),
          territories: prefixes(code),
          covers,
          validFrom,
          recordedAt,
          facts: { parentKnown: true, unknown: [], outside: [] },
        },
      }));
    }),
    ...plan.units.map(
      ({ id, kind, name, territory }) =>
        () =>
          units.run(id, context(id), () => ({
            command: {
              do: 'register',
              kind,
              name,
              territory,
              territories: prefixes(territory),
              validFrom,
              recordedAt,
              facts: { territoryKnown: true },
            },
          })),
    ),
    ...plan.postings.map(({ id, ...posting }) => () => {
      const place = posting.territory ?? seats.get(posting.unit ?? '') ?? '';
      return postings.run(id, context(id), () => ({
        command: {
          do: 'start',
          ...posting,
          territories: prefixes(place),
          recordedAt,
          facts: { personKnown: true, unitKnown: true, territoryKnown: true, belongsElsewhere: false },
        },
      }));
    }),
  ];

  let next = 0;
  let done = 0;
  const worker = async (): Promise<void> => {
    for (let job = work[next++]; job !== undefined; job = work[next++]) {
      const outcome = await job();
      if (isRefused(outcome)) throw new Error(`the plan cannot be registered: ${JSON.stringify(outcome)}`);
      done += 1;
      progress(done, work.length);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

function earlier(one: string, other: string): string {
  return one < other ? one : other;
}
