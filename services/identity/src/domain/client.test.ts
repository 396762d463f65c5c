import { given } from '@bandeng/decider/testing';
import { describe, it } from 'vitest';
import { type ClientEvent, client, type Scope } from './client.ts';

const at = '2026-03-02T01:00:00.000Z';
const registered: ClientEvent = {
  type: 'client-registered',
  data: { at, name: '12345 hotline', scopes: ['events', 'tickets.read'], territory: '4599' },
};
const register = (scopes: string[]) =>
  ({ type: 'register-client', at, name: '12345 hotline', scopes, territory: '4599' }) as const;

describe('a client', () => {
  it('is registered with each scope once, in order', () => {
    given(client)
      .when(register(['tickets.read', 'events', 'events']))
      .thenEvents(registered);
  });

  it('may take every scope that there is', () => {
    const scopes: Scope[] = [
      'categories.register',
      'events',
      'tickets.attach',
      'tickets.import',
      'tickets.order',
      'tickets.read',
    ];
    given(client)
      .when(register(scopes))
      .thenEvents({ type: 'client-registered', data: { at, name: '12345 hotline', scopes, territory: '4599' } });
  });

  it('gets no scope that nobody knows', () => {
    given(client)
      .when(register(['events', 'everything']))
      .thenRefused('unknown-scope');
  });

  it('gets at least one scope', () => {
    given(client).when(register([])).thenRefused('scope-needed');
  });

  it('is not registered over another', () => {
    given(client, registered)
      .when(register(['events']))
      .thenRefused('already-registered');
  });

  it('is ended once', () => {
    const ended: ClientEvent = { type: 'client-ended', data: { at } };
    given(client, registered).when({ type: 'end-client', at }).thenEvents(ended);
    given(client, registered, ended).when({ type: 'end-client', at }).thenRefused('already-ended');
    given(client).when({ type: 'end-client', at }).thenRefused('not-found');
  });
});
