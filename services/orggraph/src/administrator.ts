/** The posting of the first administrator of an installation, which nobody who is signed in could give. */
import { isRefused, type Refused } from '@bandeng/decider';
import { kindOf, parentOf, prefixes } from '@bandeng/directory';
import { type CommandContext, derivedId, type RecordsRefusal } from '@bandeng/records';
import type { House } from '@bandeng/service';
import type { PostingRefusal } from './domain/posting.ts';
import type { TerritoryRefusal } from './domain/territory.ts';
import { administratorsAt, registered } from './queries.ts';
import { openGraph } from './records.ts';

type Visited = Pick<House, 'records' | 'now'>;

/** People who are administrators somewhere, or will be. */
export async function administrators({ records, now }: Visited): Promise<string[]> {
  return administratorsAt((await openGraph(records)).postings, now());
}

/** Codes of the city and of what it lies in that are not registered yet. */
export async function missingAbove({ records }: Visited, city: string): Promise<string[]> {
  const there = await registered((await openGraph(records)).territories, prefixes(city));
  return prefixes(city).filter((code) => !there.has(code));
}

/**
 * Registers what is missing down to the city and starts the posting there, each by the service's own command.
 * @param names names of the territories by code
 */
export async function appointAdministrator(
  { records, now }: Visited,
  { person, city, names }: { person: string; city: string; names: Readonly<Record<string, string>> },
): Promise<undefined | Refused<TerritoryRefusal | PostingRefusal | RecordsRefusal>> {
  const { territories, postings } = await openGraph(records);
  const recordedAt = now().toISOString();
  const context = (what: string): CommandContext => ({
    id: `administrator:${what}`,
    at: recordedAt,
    actor: { system: 'orggraph' },
  });
  for (const code of await missingAbove({ records, now }, city)) {
    const kind = kindOf(code);
    const parent = parentOf(code);
    if (kind === undefined) throw new TypeError(`${code} is no code`);
    const outcome = await territories.run(code, context(code), () => ({
      command: {
        do: 'register',
        kind,
        name: names[code] ?? code,
        ...(parent === undefined ? {} : { parent }),
        territories: prefixes(code),
        covers: [],
        validFrom: recordedAt,
        recordedAt,
        // From above down: the one before is it.
        facts: { parentKnown: true, unknown: [], outside: [] },
      },
    }));
    if (isRefused(outcome)) return outcome;
  }
  // A posting that has ended stays so: whoever comes again gets another one.
  const id = derivedId('first-administrator', person, recordedAt);
  const outcome = await postings.run(id, context(id), () => ({
    command: {
      do: 'start',
      person,
      role: 'administrator',
      territory: city,
      territories: prefixes(city),
      validFrom: recordedAt,
      recordedAt,
      facts: { personKnown: true, unitKnown: false, territoryKnown: true, belongsElsewhere: false },
    },
  }));
  return isRefused(outcome) ? outcome : undefined;
}
