/** Events: from an entry of a history to a CloudEvent on the bus, and from an event on the bus to a command. */
export { serversOf } from './addresses.ts';
export { type Bus, type BusOptions, connectBus, everything } from './bus.ts';
export { decodeData } from './catalogue.ts';
export { type CloudEvent, dataSchemaOf, parseCloudEvent } from './cloudevents.ts';
export { type DeadLetter, type DeadLetterReason, type DeadLetters, openDeadLetters } from './deadletters.ts';
export { on, type Reaction, type ReactionContext, type ReactionDefinition, type Skipped, skip } from './definitions.ts';
export { NotNow } from './failures.ts';
export { findHoles, type Holes, type HolesOptions } from './holes.ts';
export type { EventHooks, Log } from './hooks.ts';
export type { LiveEvent, LiveFilter, LiveHandlers, Subscription } from './live.ts';
export { type Edge, type Operation, type Operations, openOperations, type Task } from './operations.ts';
export {
  type EntryOf,
  type Publications,
  type PublicEvent,
  type PublishedDocument,
  type PublishedFields,
  type Publishing,
  publish,
  publishing,
} from './publications.ts';
export { type Reactions, type ReactionsOptions, startReactions } from './reactions.ts';
export { type Relay, type RelayOptions, startRelay } from './relay.ts';
export type { StreamOptions, StreamState } from './streams.ts';
export { eventSubject, filterSubjects, streamOf } from './subjects.ts';
export { startTenure, type Tenure, tenureAfter } from './tenure.ts';
