export { type BoundAccess, bindAccess, hidden } from './access.ts';
export {
  ConfigurationFault,
  type Environment,
  neededSetting,
  numberSetting,
  secretJson,
  switchSetting,
  textSetting,
} from './environment.ts';
export { addressOf, type Foundation, type Ground, type House } from './house.ts';
export type { Keys } from './keys.ts';
export { networkOf } from './networks.ts';
export { type CommonRefusal, commonRefusals } from './refusals.ts';
export {
  type BareService,
  defineService,
  exitsWhenWrong,
  type HousedService,
  type Running,
  type RunningService,
  runService,
  type Service,
  untilSignal,
  visit,
} from './service.ts';
export { issuerOf } from './settings.ts';
