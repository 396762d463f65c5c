export { type Chance, chanceFrom } from './chance.ts';
export {
  type CityPlan,
  type DemoLogin,
  demoCity,
  demoClients,
  demoPassword,
  type PlannedAccount,
  type PlannedClient,
  type PlannedPosting,
  type PlannedRole,
  type PlannedTerritory,
  type PlannedUnit,
  planCity,
  type UnitKind,
} from './plan.ts';
export type { Doer, StoryStep, TicketStory } from './stories.ts';
