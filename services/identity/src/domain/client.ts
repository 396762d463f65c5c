import { type Decider, refuse } from '@bandeng/decider';

/** What the token of another system may be good for. A scope that is an action of the contracts permits that action. */
const scopes = [
  'events',
  'tickets.read',
  'tickets.order',
  'tickets.attach',
  'tickets.import',
  'categories.register',
] as const;
export type Scope = (typeof scopes)[number];

/** Whether a word is a scope. */
function isScope(word: string): word is Scope {
  return scopes.some((scope) => scope === word);
}

/** Another system that acts by itself. Its secret's hash is not part of the aggregate (vault.ts). */
export interface SystemClient {
  /** What its people call it. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Code of the territory in which it may act. */
  readonly territory: string;
  readonly registeredAt: string;
  /** From then on it gets no token. */
  readonly endedAt?: string;
}

export type ClientCommand =
  | {
      readonly type: 'register-client';
      readonly at: string;
      readonly name: string;
      readonly scopes: readonly string[];
      readonly territory: string;
    }
  | { readonly type: 'end-client'; readonly at: string };

export type ClientEvent =
  | {
      readonly type: 'client-registered';
      readonly data: {
        readonly at: string;
        readonly name: string;
        readonly scopes: readonly Scope[];
        readonly territory: string;
      };
    }
  | { readonly type: 'client-ended'; readonly data: { readonly at: string } };

export type ClientRefusal = 'already-registered' | 'unknown-scope' | 'scope-needed' | 'not-found' | 'already-ended';

export const client: Decider<SystemClient, ClientCommand, ClientEvent, ClientRefusal> = {
  decide(state, command) {
    const { at } = command;
    switch (command.type) {
      case 'register-client': {
        if (state !== undefined) return refuse('already-registered');
        const { name, scopes: asked, territory } = command;
        const known = [...new Set(asked.filter(isScope))].sort();
        const unknown = asked.filter((scope) => !isScope(scope));
        if (unknown.length > 0) return refuse('unknown-scope', { field: 'scopes', values: { unknown, known: scopes } });
        if (known.length === 0) return refuse('scope-needed', { field: 'scopes', values: { known: scopes } });
        return [{ type: 'client-registered', data: { at, name, scopes: known, territory } }];
      }
      case 'end-client':
        if (state === undefined) return refuse('not-found', { field: 'id' });
        if (state.endedAt !== undefined) return refuse('already-ended', { values: { endedAt: state.endedAt } });
        return [{ type: 'client-ended', data: { at } }];
    }
  },
  evolve(state, event) {
    switch (event.type) {
      case 'client-registered': {
        const { at, ...rest } = event.data;
        return { ...rest, registeredAt: at };
      }
      case 'client-ended':
        if (state === undefined) throw new TypeError('a client is ended before it is registered');
        return { ...state, endedAt: event.data.at };
    }
  },
};
