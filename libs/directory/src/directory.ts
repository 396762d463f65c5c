import type { HeldPosting } from '@bandeng/access';
import type { ListChangesRequest, ListChangesResponse } from '@bandeng/contracts/orggraph';
import { type Bus, decodeData, type LiveEvent, type Log, type Subscription } from '@bandeng/events';
import type { Db } from '@bandeng/records';
import {
  type Changes,
  Graph,
  type HoldersQuery,
  type PostingNode,
  type Taken,
  type TerritoryNode,
  type UnitNode,
} from './graph.ts';
import { openStore, type Store } from './store.ts';

/** Units, territories and postings, kept close: every question is answered from memory. */
export interface Directory {
  /** Whether the whole graph has been loaded once, now or by an earlier process of the service. */
  ready(): boolean;
  /** Ends when it is ready. */
  whenReady(): Promise<void>;
  territory(code: string): TerritoryNode | undefined;
  /** All codes under which something at this place is found: the place, all above it, and the grids that cover it. */
  ancestors(code: string): string[];
  /** Codes of the grids that cover this compound or building. */
  coveringGrids(code: string): string[];
  unit(id: string): UnitNode | undefined;
  posting(id: string): PostingNode | undefined;
  /** The postings of a person that count at an instant. */
  postingsOf(person: string, at: Date): HeldPosting[];
  /** Ids of the people with a posting exactly there in one of the roles, each once. */
  holders(query: HoldersQuery): string[];
  size(): { units: number; territories: number; postings: number };
  /** Takes over at once what the caller knows has changed; the rest of the system hears it by event. For orggraph. */
  learn(changes: Changes): void;
  close(): Promise<void>;
}

/** Where the graph is read from: orggraph's client, or orggraph's own queries. */
export interface DirectorySource {
  listChanges(request: ListChangesRequest): Promise<ListChangesResponse>;
}

/** What a directory is opened with. */
export interface DirectoryOptions {
  /** The service's own database, where a copy is kept, orggraph's too: with one the directory is ready as soon as it is opened. */
  readonly database?: Db | undefined;
  readonly orggraph: DirectorySource;
  readonly bus: Pick<Bus, 'connected' | 'onConnected' | 'live'>;
  readonly log: Log;
  /** Milliseconds between questions while the bus is not heard; 2,000 when left out. */
  readonly pollEvery?: number;
}

/** How far a question reaches back before the last answer: more than a write takes, and clocks differ. */
const overlap = 10_000;
const pageSize = 2_000;
/** How often it is asked while the bus is well: what could only be missed by a mistake. */
const careEvery = 300_000;

/**
 * Opens the directory. It is filled from the copy at once; what happened since comes from orggraph (`ListChanges`, from
 * ten seconds before the last answer) and from its stream. A question is asked at the start, whenever the stream begins
 * or is heard again, every two seconds while it is silent or the bus is away, and now and then to be sure.
 * The order in which things come does not matter, nor do repeats: the higher version of each stays.
 */
export async function openDirectory(options: DirectoryOptions): Promise<Directory> {
  const graph = new Graph();
  const store = options.database === undefined ? undefined : openStore(options.database);
  const asOf = await store?.load(graph);
  return new LiveDirectory(options, graph, store, asOf);
}

class LiveDirectory implements Directory {
  readonly #graph: Graph;
  readonly #store: Store | undefined;
  readonly #orggraph: DirectorySource;
  readonly #bus: DirectoryOptions['bus'];
  readonly #log: Log;
  readonly #pollEvery: number;
  readonly #ready = Promise.withResolvers<void>();
  readonly #timer: NodeJS.Timeout;
  readonly #forgetBus: () => void;
  readonly #unsaved = new Map<string, Taken>();
  #asOf: Date | undefined;
  #loaded: boolean;
  #subscription: Subscription | undefined;
  #streaming = false;
  #polling: Promise<void> | undefined;
  #saving: Promise<void> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #askAgain = true;
  #away = false;
  #closed = false;

  constructor(options: DirectoryOptions, graph: Graph, store: Store | undefined, asOf: Date | undefined) {
    this.#graph = graph;
    this.#store = store;
    this.#asOf = asOf;
    this.#orggraph = options.orggraph;
    this.#bus = options.bus;
    this.#log = options.log;
    this.#pollEvery = options.pollEvery ?? 2_000;
    this.#loaded = asOf !== undefined;
    if (this.#loaded) this.#ready.resolve();
    this.#follow();
    this.#forgetBus = this.#bus.onConnected(() => {
      this.#askAgain = true;
    });
    this.#timer = setInterval(() => this.#tend(), Math.max(50, this.#pollEvery / 4));
    this.#timer.unref();
    this.#tend();
  }

  ready(): boolean {
    return this.#loaded;
  }

  whenReady(): Promise<void> {
    return this.#ready.promise;
  }

  territory(code: string): TerritoryNode | undefined {
    return this.#graph.territory(code);
  }

  ancestors(code: string): string[] {
    return this.#graph.ancestors(code);
  }

  coveringGrids(code: string): string[] {
    return this.#graph.coveringGrids(code);
  }

  unit(id: string): UnitNode | undefined {
    return this.#graph.unit(id);
  }

  posting(id: string): PostingNode | undefined {
    return this.#graph.posting(id);
  }

  postingsOf(person: string, at: Date): HeldPosting[] {
    return this.#graph.postingsOf(person, at);
  }

  holders(query: HoldersQuery): string[] {
    return this.#graph.holders(query);
  }

  size(): { units: number; territories: number; postings: number } {
    return this.#graph.size();
  }

  learn(changes: Changes): void {
    this.#take(changes);
    if (this.#unsaved.size > 0) this.#save();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#forgetBus();
    await this.#subscription?.close();
    await this.#polling;
    await this.#saving;
  }

  #take(changes: Changes): void {
    const taken = this.#graph.take(changes);
    if (this.#store === undefined) return;
    for (const change of taken) {
      const key = change.kind === 'territory' ? change.node.code : change.node.id;
      this.#unsaved.set(`${change.kind}:${key}`, change);
    }
  }

  #follow(): void {
    this.#streaming = false;
    const subscription = this.#bus.live(
      'orggraph',
      { after: 'now' },
      {
        event: (event) => this.#hear(event),
        gone: () => {
          if (!this.#closed) this.#follow();
        },
        silent: () => {
          this.#streaming = false;
        },
        heard: () => this.#startStreaming(),
      },
    );
    this.#subscription = subscription;
    subscription.ready.then(
      () => {
        if (this.#subscription === subscription) this.#startStreaming();
      },
      (error: unknown) => this.#log.warn({ err: error }, 'The stream of the organization graph cannot be followed'),
    );
  }

  /** From now on nothing is missed; what was before must be asked for. */
  #startStreaming(): void {
    this.#streaming = true;
    this.#askAgain = true;
    if (!this.#closed) this.#tend();
  }

  #hear({ event }: LiveEvent): void {
    try {
      const changes = changesOf(event.type, event.data);
      if (changes === undefined) return;
      this.#take(changes);
      if (this.#unsaved.size > 0) this.#save();
    } catch (error) {
      // What cannot be read now is asked for in its present form.
      this.#log.warn(
        { err: error, event: event.id, type: event.type },
        'An event of the organization graph is not understood',
      );
      this.#askAgain = true;
    }
  }

  #tend(): void {
    if (this.#closed || this.#polling !== undefined) return;
    const heard = this.#streaming && this.#bus.connected();
    const pause = heard && this.#loaded && !this.#askAgain ? careEvery : this.#pollEvery;
    // The first question, and the first after the stream has begun, do not wait.
    const due = (this.#askAgain && !this.#away) || performance.now() - this.#askedAt >= pause;
    if (!due) return;
    this.#askedAt = performance.now();
    this.#askAgain = false;
    this.#polling = this.#poll().finally(() => {
      this.#polling = undefined;
    });
  }

  async #poll(): Promise<void> {
    try {
      const since = this.#asOf === undefined ? undefined : new Date(this.#asOf.getTime() - overlap);
      let pageToken = '';
      let asOf: Date | undefined;
      do {
        const page = await this.#orggraph.listChanges({ since, pageSize, pageToken });
        this.#take(page);
        asOf ??= page.asOf;
        pageToken = page.nextPageToken;
      } while (pageToken !== '' && !this.#closed);
      if (pageToken !== '') return;
      if (this.#away) this.#log.info({}, 'The organization graph answers again');
      this.#away = false;
      this.#asOf = asOf ?? this.#asOf;
      if (!this.#loaded) {
        this.#loaded = true;
        this.#log.info(this.#graph.size(), 'The directory is loaded');
        this.#ready.resolve();
      }
      this.#save(this.#asOf);
      await this.#saving;
    } catch (error) {
      this.#askAgain = true;
      if (!this.#away && !this.#closed) this.#log.warn({ err: error }, 'The organization graph does not answer');
      this.#away = true;
    }
  }

  /** Keeps what is not kept yet, one write after another; what fails is kept with the next. */
  #save(asOf?: Date): void {
    const store = this.#store;
    if (store === undefined) return;
    const before = this.#saving ?? Promise.resolve();
    const saving = before.then(async () => {
      const changes = [...this.#unsaved];
      try {
        if (changes.length > 0) await store.keep(changes.map(([, change]) => change));
        for (const [key, change] of changes) if (this.#unsaved.get(key) === change) this.#unsaved.delete(key);
        if (asOf !== undefined) await store.keptUntil(asOf);
      } catch (error) {
        this.#log.warn({ err: error, changes: changes.length }, 'The copy of the organization graph is behind');
      }
    });
    this.#saving = saving;
    saving.finally(() => {
      if (this.#saving === saving) this.#saving = undefined;
    });
  }
}

/** What an event of the organization graph changes; undefined when it is none that matters here. */
function changesOf(type: string, data: unknown): Changes | undefined {
  switch (type) {
    case 'bandeng.orggraph.unit-registered.v1':
      return { units: listed(decodeData(type, data).unit) };
    case 'bandeng.orggraph.territory-registered.v1':
    case 'bandeng.orggraph.territory-covered.v1':
      return { territories: listed(decodeData(type, data).territory) };
    case 'bandeng.orggraph.posting-started.v1':
    case 'bandeng.orggraph.posting-ended.v1':
      return { postings: listed(decodeData(type, data).posting) };
    default:
      return undefined;
  }
}

function listed<T>(item: T | undefined): T[] {
  return item === undefined ? [] : [item];
}
