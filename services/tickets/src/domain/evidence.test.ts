import { given } from '@bandeng/decider/testing';
import { describe, expect, it } from 'vitest';
import { hindrance, mostEvidence } from './actions.ts';
import { ticketDecider } from './decision.ts';
import type { TicketEvent } from './ticket.ts';

const at = '2026-11-24T02:00:00.000Z';
const ordered: TicketEvent = {
  type: 'ordered',
  data: {
    at,
    number: '459902-20261124-000001',
    territory: '459902001001501',
    territories: ['4599', '459902001001', '459902001001501'],
    category: '城乡建设.园林',
    branches: ['城乡建设', '城乡建设.园林'],
    urgency: 'ordinary',
    source: 'resident',
    orderer: 'mei',
    text: 'text',
    followHash: 'hash',
  },
};
const photo = { file: 'file-1', kind: 'photo', bytes: 1_000 } as const;
const attach = { type: 'attach', by: 'mei', at, ...photo } as const;
const added: TicketEvent = { type: 'evidence-added', data: { at, by: 'mei', ...photo } };

describe('photos and documents', () => {
  it('are added while the ticket is alive, by whom and of what size', () => {
    given(ticketDecider, ordered).when(attach).thenEvents(added);
    given(ticketDecider, ordered, { type: 'withdrawn', data: { at } }).when(attach).thenRefused('not-in-this-state');
  });

  it('are kept in the order in which they came', () => {
    const once = ticketDecider.evolve(undefined, ordered);
    const second: TicketEvent = { type: 'evidence-added', data: { at, by: 'li', ...photo, file: 'file-2' } };
    const { evidence } = [added, second].reduce(ticketDecider.evolve, once);
    expect(evidence?.map(({ file, by, addedAt }) => [file, by, addedAt])).toEqual([
      ['file-1', 'mei', at],
      ['file-2', 'li', at],
    ]);
  });

  it('are twenty at most, and then the ticket does not offer it any more', () => {
    const twenty = Array.from({ length: mostEvidence }, () => added);
    given(ticketDecider, ordered, ...twenty)
      .when(attach)
      .thenRefused('too-much-evidence');
    const full = twenty.reduce(ticketDecider.evolve, ticketDecider.evolve(undefined, ordered));
    expect(hindrance(full, 'attach')).toMatchObject({ refused: 'too-much-evidence', field: 'file' });
    expect(hindrance(full, 'note')).toBeUndefined();
  });
});
