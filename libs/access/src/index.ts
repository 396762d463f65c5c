export type { AccessInput, Asking, Denied, Granted } from './access.ts';
export {
  capacities,
  filter,
  filterWithPersonalData,
  permit,
  permitted,
  readsPersonalData,
  rulesFor,
} from './access.ts';
export type { Action } from './actions.ts';
export { actions, isAction, isReading } from './actions.ts';
export type { AccessObject, Condition, Filter, HeldPosting, PackedRule } from './grants.ts';
export type { Right, Role, Where } from './roles.ts';
export { actionsOf, belonging, isRole, ownRights, rightsOfRoles, roles } from './roles.ts';
