export { type Logger, openLogger } from './logger.ts';
export { currentTraceparent, traced } from './traces.ts';
