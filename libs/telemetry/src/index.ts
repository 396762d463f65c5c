export { type Logger, openLogger } from './logger.ts';
export { currentTraceparent, nameRoute, traced } from './traces.ts';
