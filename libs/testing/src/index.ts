export { type EventuallyOptions, eventually } from './eventually.ts';
export { type Killable, type KillableParts, killableParts } from './killable.ts';
export { type KillableSet, killableSet } from './killable-set.ts';
export { type Parts, parts } from './parts.ts';
export { type Place, settled } from './settled.ts';
