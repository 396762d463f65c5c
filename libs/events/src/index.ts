/** Events: from an entry of a history to a CloudEvent on the bus, and from an event on the bus to a command. */
import type { DataOf, EventName, EventType } from '@bandeng/contracts';
import type { DomainEvent } from '@bandeng/decider';
import type { Actor, Aggregates, CommandContext, Db, Entry, Lease, Outbox } from '@bandeng/records';

/** What is logged by the lib; a pino logger fits. */
export interface Log {
  debug(about: object, message: string): void;
  info(about: object, message: string): void;
  warn(about: object, message: string): void;
  error(about: object, message: string): void;
}

/** What is measured, told as it happens. All are optional. */
export interface EventHooks {
  /** So many messages are durable on the bus and marked. */
  published?(count: number): void;
  /** What waits to be published. */
  backlog?(documents: number, oldestSeconds: number): void;
  /** Milliseconds from the commit of an event to the end of a reaction to it. */
  lag?(reaction: string, milliseconds: number): void;
  deadLetter?(reaction: string, reason: DeadLetterReason): void;
  /** Runs one reaction; the place for a span with a link to `event.traceparent`. */
  around?(event: CloudEvent, reaction: string, run: () => Promise<void>): Promise<void>;
}

/** CloudEvents 1.0, structured JSON, with the extensions sequence, previous, territory and traceparent. */
export interface CloudEvent<T = unknown> {
  specversion: '1.0';
  id: string;
  source: string;
  type: string;
  subject: string;
  time: string;
  datacontenttype: 'application/json';
  dataschema: string;
  data: T;
  sequence: string;
  sequencetype: 'Integer';
  previous?: string;
  territory: string;
  traceparent?: string;
}

/** How streams are kept. Bytes and age bound them; nothing else does. */
export interface StreamOptions {
  /** Days an event stays at least; 400 when left out, never below 180. */
  maxAgeDays?: number;
  /** Bytes at which the stream is full (then nothing more is taken); unbounded when left out. */
  maxBytes?: number;
  /** 3 in a cluster, 1 when left out. */
  replicas?: number;
}

export interface BusOptions {
  /** `nats://user:password@host:port`, several by comma. */
  url: string;
  /** Name of the connection, shown by the server. */
  name: string;
  log: Log;
  streams?: StreamOptions;
}

/** The connection to NATS. It is there at once and connects when it can, for ever. */
export interface Bus {
  connected(): boolean;
  close(): Promise<void>;
  /** Tells the relay of the service, here or in another process, that there is something to publish. */
  wake(service: string): void;
  /** Called on `wake`. Answers true when it takes care of it: then nobody else is told. */
  onWake(service: string, fn: () => boolean): () => void;
  /** Called on each connection and reconnection. */
  onConnected(fn: () => void): () => void;
  /** Creates the stream of the service, or brings its settings up to date. Throws when NATS is away. */
  ensureStream(service: string): Promise<void>;
  /** Follows one or several streams; see LiveFilter. */
  live(services: string | readonly string[], filter: LiveFilter, handlers: LiveHandlers): Subscription;
}

export interface LiveFilter {
  /** Types of events; all when left out. */
  types?: readonly string[];
  /** Only what happens in these territories and below; everything when left out. A building is told with its compound. */
  territory?: string | readonly string[];
  /** A position as handed out by LiveEvent or Subscription, `start`, or `now` (when left out). */
  after?: string;
  /** Milliseconds without message or heartbeat after which the bus counts as silent; 10,000 when left out. */
  silentAfter?: number;
}

export interface LiveEvent {
  /** Where to resume after this event: `<stream>@<incarnation>:<sequence>`, of several streams joined by comma. */
  position: string;
  stream: string;
  sequence: number;
  /** Data as proto JSON; `decodeData` makes the message of it. */
  event: CloudEvent;
}

export interface LiveHandlers {
  /** In order of the stream; the next one comes after the promise has ended. */
  event(event: LiveEvent): void | Promise<void>;
  /** The position is no longer in the stream, or the stream was rebuilt. The subscription has ended. */
  gone?(): void;
  /** Nothing was heard for `silentAfter`. */
  silent?(): void;
  /** The bus is heard again. */
  heard?(): void;
}

export interface Subscription {
  /** Ends when each stream has been found and its position is known; also when it is gone or closed. */
  ready: Promise<void>;
  /** Where to resume; undefined before `ready`. */
  position(): string | undefined;
  silent(): boolean;
  close(): Promise<void>;
}

/** A public event as a publication makes it. */
export interface PublicEvent {
  event: EventName;
  /** The message of the catalogue. */
  data: unknown;
  /** Code of the territory it concerns; empty: the whole city. */
  territory: string;
}

/** One domain event as its entry in the history. */
export type EntryOf<E extends DomainEvent, K extends E['type']> = Entry<Extract<E, { type: K }>>;

/** For each domain event of an aggregate: the public event it becomes, or 'private'. */
export type Publications<E extends DomainEvent, S> = {
  readonly [K in E['type']]:
    | 'private'
    | ((entry: EntryOf<E, K>, document: { id: string; territories: string[]; state: S }) => PublicEvent | 'private');
};

/** Publications of one collection, as the relay takes them. */
export interface Publishing {
  collection: string;
  of(entry: Entry<DomainEvent>, document: { id: string; territories: string[]; state: unknown }): PublicEvent | 'private';
}

/** A public event, its data checked against the catalogue. */
export declare function publish<N extends EventName>(
  event: N,
  data: DataOf<`bandeng.${string}.${N}.v1` & EventType>,
  territory: string,
): PublicEvent;

/** The publications of an aggregate, for `startRelay`. */
export declare function publishing<S, C, E extends DomainEvent, R extends string>(
  aggregates: Aggregates<S, C, E, R>,
  publications: Publications<E, S>,
): Publishing;

/** The holding of the service's lease by this process: acquired, renewed each second, released by `stop`. */
export interface Tenure {
  holds(): boolean;
  /** Called with true when gained, with false when lost; at once with true when held. */
  onChange(fn: (held: boolean) => void): () => void;
  readonly lease: Lease;
  /** Releases at once. Stop what works under it before. */
  stop(): Promise<void>;
}
export declare function startTenure(options: { lease: Lease; log: Log }): Tenure;

export interface Relay {
  /** Ends the batch in hand. The lease is released by the tenure. */
  stop(): Promise<void>;
}
export declare function startRelay(options: {
  service: string;
  bus: Bus;
  outbox: Outbox;
  tenure: Tenure;
  publishings: readonly Publishing[];
  /** Code for what has no territory. */
  city: string;
  log: Log;
  hooks?: EventHooks;
}): Relay;

/** Nothing follows from this event, for a reason. */
export interface Skipped {
  skipped: string;
}
export declare const skip: (reason: string) => Skipped;

/** A command for one aggregate. */
export interface Reaction {
  /** Tells the commands of one reaction to one event apart; needed when there are several. */
  target?: string;
  /** `context` is complete: id `event:<event>:<reaction>[:<target>]`, now, `system:<service>`, the event's trace. */
  run(commandId: string, context: CommandContext): Promise<unknown>;
}

export interface ReactionContext {
  service: string;
  actor: Actor;
  log: Log;
}

export interface ReactionDefinition {
  type: EventType;
  name: string;
  react(event: CloudEvent, context: ReactionContext): Promise<readonly Reaction[] | Skipped>;
}

/** What a service does when this event has happened. The data is the message of the catalogue. */
export declare function on<N extends EventType>(
  type: N,
  name: string,
  react: (
    event: CloudEvent<DataOf<N>>,
    context: ReactionContext,
  ) => Promise<readonly Reaction[] | Skipped> | readonly Reaction[] | Skipped,
): ReactionDefinition;

export interface Reactions {
  /** Takes nothing new, waits for what runs (5 s at most). */
  stop(): Promise<void>;
}
export declare function startReactions(options: {
  service: string;
  bus: Bus;
  tenure: Tenure;
  definitions: readonly ReactionDefinition[];
  deadLetters: DeadLetters;
  now(): Date;
  log: Log;
  hooks?: EventHooks;
  /** Aggregates handled side by side; 32 when left out. */
  concurrency?: number;
  /** Failures of a handler before the dead letter; 5 when left out. */
  tries?: number;
}): Reactions;

export type DeadLetterReason = 'malformed' | 'unknown-type' | 'too-large' | 'failed';
export interface DeadLetter {
  id: string;
  event: string;
  reaction: string;
  reason: DeadLetterReason;
  /** Name and message of the last failure. */
  problem: string;
  type: string;
  aggregate: string;
  stream: string;
  sequence: number;
  at: string;
  tries: number;
  status: 'open' | 'requeued' | 'handled';
  /** The message as it came, at most 64 kB. */
  raw: string;
}

/** Dead letters of a service, in the collection `dead_letters`, unique by event and reaction. */
export interface DeadLetters {
  list(options?: { status?: DeadLetter['status']; limit?: number; after?: string }): Promise<DeadLetter[]>;
  show(id: string): Promise<DeadLetter | undefined>;
  /** Hands it to the reaction once more, in the process that holds the lease. False when there is none open. */
  requeue(id: string): Promise<boolean>;
  /** Stores one; an open one for the same event and reaction is replaced. */
  store(letter: Omit<DeadLetter, 'id' | 'status'>): Promise<void>;
  requeued(limit: number): Promise<DeadLetter[]>;
  handled(id: string): Promise<void>;
}
export declare function openDeadLetters(database: Db): Promise<DeadLetters>;

/** The message of the catalogue from the proto JSON of an event; throws when it does not fit. */
export declare function decodeData<N extends EventType>(type: N, data: unknown): DataOf<N>;
