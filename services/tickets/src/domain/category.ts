/** Categories: what tickets are about, a tree in which an id is the path of names joined by full stops. */
import type { Decider } from '@bandeng/decider';

export interface Category {
  /** Names from the root to this category. */
  readonly path: readonly string[];
  /** Ids of this category and all above it. */
  readonly branches: readonly string[];
  /** Its code in the city's own list. */
  readonly externalCode?: string;
}
export interface CategoryCommand {
  readonly path: readonly string[];
  readonly externalCode?: string;
}
export interface CategoryEvent {
  readonly type: 'registered';
  readonly data: Category;
}

/** The id of a category by its path. */
export function categoryId(path: readonly string[]): string {
  return path.join('.');
}

/** Ids of a category and all above it, the root first. */
export function branchesOf(path: readonly string[]): string[] {
  return path.map((_, index) => categoryId(path.slice(0, index + 1)));
}

/** A category is registered once; the same path again changes nothing. */
export const categoryDecider: Decider<Category, CategoryCommand, CategoryEvent, never> = {
  decide(category, command) {
    if (category !== undefined) return [];
    return [{ type: 'registered', data: { ...command, branches: branchesOf(command.path) } }];
  },
  evolve: (_, event) => event.data,
};
