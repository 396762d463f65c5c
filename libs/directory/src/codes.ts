/** Territory codes: one tree, in which a code says its kind and where it belongs. */

/** Kinds of territories. */
export const territoryKinds = [
  'province',
  'city',
  'district',
  'street',
  'community',
  'grid',
  'compound',
  'building',
] as const;

/** Kind of a territory. */
export type TerritoryKind = (typeof territoryKinds)[number];

/** Where a level of the tree ends: 2+2+2+3+3 digits down to the community, 3 for a grid or compound, 3 for a building. */
const levels: readonly number[] = [2, 4, 6, 9, 12, 15, 18];
const community = 12;
const cell = 15;
const building = 18;

function isNothing(code: string, from: number, to: number): boolean {
  return /^0+$/.test(code.slice(from, to));
}

/** The kind of a territory with this code; undefined when no territory can have it. The padded form is no code. */
export function kindOf(code: string): TerritoryKind | undefined {
  if (!/^[0-9]+$/.test(code)) return undefined;
  const level = levels.indexOf(code.length);
  if (level === -1 || isNothing(code, levels[level - 1] ?? 0, code.length) || code.startsWith('00')) return undefined;
  switch (code.length) {
    case 2:
      return 'province';
    case 4:
      return 'city';
    case 6:
      return 'district';
    case 9:
      return 'street';
    case community:
      return 'community';
    case cell:
      return code.charAt(community) < '5' ? 'grid' : 'compound';
    case building:
      // A building stands in a compound, never in a grid, and never outside of both.
      return code.charAt(community) < '5' ? undefined : 'building';
    default:
      return undefined;
  }
}

/**
 * The codes of all territories that this one lies in, from the province down, and its own at the end; empty when it is no
 * code. A level that is all zeros is left out: a few cities have streets but no districts (`441900003`).
 */
export function prefixes(code: string): string[] {
  if (kindOf(code) === undefined) return [];
  return levels
    .filter((length, level) => length <= code.length && !isNothing(code, levels[level - 1] ?? 0, length))
    .map((length) => code.slice(0, length));
}

/** The code of the territory directly above; undefined for a province and for what is no code. */
export function parentOf(code: string): string | undefined {
  return prefixes(code).at(-2);
}

/** The code of the community that this territory is or lies in; undefined above communities. */
export function communityOf(code: string): string | undefined {
  const kind = kindOf(code);
  return kind !== undefined && code.length >= community ? code.slice(0, community) : undefined;
}

/** Whether a territory is another one or lies below it in the tree. What a grid covers does not lie below it. */
export function isWithin(code: string, above: string): boolean {
  return prefixes(code).includes(above);
}

/**
 * A code as it is stored, from the national form that is padded with zeros to 6, 12 or 15 digits (or not padded at all);
 * undefined when it is none. `459902000000` is `459902`.
 */
export function normalize(padded: string): string | undefined {
  let code = padded;
  for (let level = levels.length - 1; level > 0; level--) {
    const above = levels[level - 1] ?? 0;
    if (code.length === levels[level] && isNothing(code, above, code.length)) code = code.slice(0, above);
  }
  return kindOf(code) === undefined ? undefined : code;
}
