import { type HeldPosting, isRole, type Role } from '@bandeng/access';
import type { Posting, Territory, Unit } from '@bandeng/contracts/orggraph';
import { prefixes, type TerritoryKind, territoryKinds } from './codes.ts';

/** A territory as every service knows it. Instants are milliseconds; no end is Infinity. */
export interface TerritoryNode {
  readonly code: string;
  readonly version: number;
  readonly kind: TerritoryKind;
  readonly name: string;
  /** Codes of the compounds and buildings that a grid covers. */
  readonly covers: readonly string[];
  readonly from: number;
  readonly until: number;
}

/** A unit as every service knows it. */
export interface UnitNode {
  readonly id: string;
  readonly version: number;
  /** `city_organ`, `community` and so on. */
  readonly kind: string;
  readonly name: string;
  /** Code of the territory where it sits. */
  readonly territory: string;
  readonly from: number;
  readonly until: number;
}

/** A posting as every service knows it: what it is for, whose it is, and when it counts. */
export interface PostingNode {
  readonly id: string;
  readonly version: number;
  readonly person: string;
  readonly held: HeldPosting;
  readonly from: number;
  readonly until: number;
}

/** Which postings: those exactly at this unit or this territory, in one of these roles, that count at this instant. */
export interface HoldersQuery {
  readonly unit?: string;
  readonly territory?: string;
  readonly roles: readonly Role[];
  readonly at: Date;
}

/** What is taken over from the organization graph; of what came before, the higher version stays. */
export interface Changes {
  readonly units?: readonly Unit[];
  readonly territories?: readonly Territory[];
  readonly postings?: readonly Posting[];
}

/** A change that was newer than what was known. */
export type Taken =
  | { readonly kind: 'unit'; readonly node: UnitNode }
  | { readonly kind: 'territory'; readonly node: TerritoryNode }
  | { readonly kind: 'posting'; readonly node: PostingNode };

/** Units, territories and postings in memory, with the indexes that rights and notices are asked by. No I/O, no clock. */
export class Graph {
  readonly #units = new Map<string, UnitNode>();
  readonly #territories = new Map<string, TerritoryNode>();
  readonly #postings = new Map<string, PostingNode>();
  readonly #byPerson = new Index<PostingNode>();
  readonly #byUnit = new Index<PostingNode>();
  readonly #byTerritory = new Index<PostingNode>();
  readonly #coveredBy = new Index<string>();

  unit(id: string): UnitNode | undefined {
    return this.#units.get(id);
  }

  territory(code: string): TerritoryNode | undefined {
    return this.#territories.get(code);
  }

  posting(id: string): PostingNode | undefined {
    return this.#postings.get(id);
  }

  /** Codes of the grids that cover a compound or building; a grid that covers a compound covers its buildings. */
  coveringGrids(code: string): string[] {
    const grids = new Set<string>();
    for (const above of prefixes(code)) for (const grid of this.#coveredBy.of(above)) grids.add(grid);
    return [...grids].sort();
  }

  /** All codes under which something at this place is found: the place, all above it, and the grids that cover it. */
  ancestors(code: string): string[] {
    return [...prefixes(code), ...this.coveringGrids(code)];
  }

  /** The postings of a person that count at an instant. */
  postingsOf(person: string, at: Date): HeldPosting[] {
    const instant = at.getTime();
    const held: HeldPosting[] = [];
    for (const posting of this.#byPerson.of(person)) if (counts(posting, instant)) held.push(posting.held);
    return held;
  }

  /** Ids of the people who hold such a posting, each once. */
  holders({ unit, territory, roles, at }: HoldersQuery): string[] {
    const instant = at.getTime();
    const there = [
      ...(unit === undefined ? [] : this.#byUnit.of(unit)),
      ...(territory === undefined ? [] : this.#byTerritory.of(territory)),
    ];
    return [
      ...new Set(
        there
          .filter((posting) => roles.includes(posting.held.role) && counts(posting, instant))
          .map(({ person }) => person),
      ),
    ];
  }

  /** How much is known. */
  size(): { units: number; territories: number; postings: number } {
    return { units: this.#units.size, territories: this.#territories.size, postings: this.#postings.size };
  }

  /** Takes changes over. Repeats and what is older than what is known change nothing. */
  take(changes: Changes): Taken[] {
    const taken: Taken[] = [];
    for (const unit of changes.units ?? []) {
      const node = unitNode(unit);
      if (this.takeUnit(node)) taken.push({ kind: 'unit', node });
    }
    for (const territory of changes.territories ?? []) {
      const node = territoryNode(territory);
      if (node !== undefined && this.takeTerritory(node)) taken.push({ kind: 'territory', node });
    }
    for (const posting of changes.postings ?? []) {
      const node = postingNode(posting);
      if (node !== undefined && this.takePosting(node)) taken.push({ kind: 'posting', node });
    }
    return taken;
  }

  takeUnit(node: UnitNode): boolean {
    if (!isNewer(node, this.#units.get(node.id))) return false;
    this.#units.set(node.id, node);
    return true;
  }

  takeTerritory(node: TerritoryNode): boolean {
    const before = this.#territories.get(node.code);
    if (!isNewer(node, before)) return false;
    for (const covered of before?.covers ?? []) this.#coveredBy.remove(covered, node.code);
    for (const covered of node.covers) this.#coveredBy.add(covered, node.code);
    this.#territories.set(node.code, node);
    return true;
  }

  takePosting(node: PostingNode): boolean {
    const before = this.#postings.get(node.id);
    if (!isNewer(node, before)) return false;
    if (before !== undefined) {
      this.#byPerson.remove(before.person, before);
      if (before.held.unit !== undefined) this.#byUnit.remove(before.held.unit, before);
      if (before.held.territory !== undefined) this.#byTerritory.remove(before.held.territory, before);
    }
    this.#byPerson.add(node.person, node);
    if (node.held.unit !== undefined) this.#byUnit.add(node.held.unit, node);
    if (node.held.territory !== undefined) this.#byTerritory.add(node.held.territory, node);
    this.#postings.set(node.id, node);
    return true;
  }
}

/** Many values under a key. A single one, as most people have, takes no list. */
class Index<Value> {
  readonly #entries = new Map<string, Value | Value[]>();

  of(key: string): readonly Value[] {
    const entry = this.#entries.get(key);
    if (entry === undefined) return [];
    return Array.isArray(entry) ? entry : [entry];
  }

  add(key: string, value: Value): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) this.#entries.set(key, value);
    else if (Array.isArray(entry)) entry.push(value);
    else this.#entries.set(key, [entry, value]);
  }

  remove(key: string, value: Value): void {
    const left = this.of(key).filter((other) => other !== value);
    const [only] = left;
    if (only === undefined) this.#entries.delete(key);
    else this.#entries.set(key, left.length === 1 ? only : left);
  }
}

function counts({ from, until }: PostingNode, instant: number): boolean {
  return from <= instant && instant < until;
}

function isNewer(node: { readonly version: number }, before: { readonly version: number } | undefined): boolean {
  return before === undefined || node.version > before.version;
}

function period(of: { validFrom?: Date | undefined; validUntil?: Date | undefined }): { from: number; until: number } {
  return {
    from: of.validFrom?.getTime() ?? Number.NEGATIVE_INFINITY,
    until: of.validUntil?.getTime() ?? Number.POSITIVE_INFINITY,
  };
}

function unitNode(unit: Unit): UnitNode {
  const { id, version, name, territory } = unit;
  return { id, version, kind: unit.kind.toLowerCase(), name, territory, ...period(unit) };
}

function territoryNode(territory: Territory): TerritoryNode | undefined {
  const { id, version, name, covers } = territory;
  const kind = territoryKinds.find((word) => word === territory.kind.toLowerCase());
  // A kind that a newer orggraph knows opens nothing here.
  return kind === undefined ? undefined : { code: id, version, kind, name, covers, ...period(territory) };
}

function postingNode(posting: Posting): PostingNode | undefined {
  const { id, version, person, unit, territory } = posting;
  const role = posting.role.toLowerCase();
  if (!isRole(role)) return undefined;
  const held = { id, role, ...(unit === '' ? {} : { unit }), ...(territory === '' ? {} : { territory }) };
  return { id, version, person, held, ...period(posting) };
}
