export type { TerritoryKind } from './codes.ts';
export { communityOf, isWithin, kindOf, normalize, parentOf, prefixes, territoryKinds } from './codes.ts';
export type { Directory, DirectoryOptions, DirectorySource } from './directory.ts';
export { openDirectory } from './directory.ts';
export type { Changes, HoldersQuery, PostingNode, TerritoryNode, UnitNode } from './graph.ts';
