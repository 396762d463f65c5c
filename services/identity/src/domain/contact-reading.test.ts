import { given } from '@bandeng/decider/testing';
import { describe, expect, it } from 'vitest';
import { type ContactReadingEvent, contactReading } from './contact-reading.ts';

const at = '2026-03-02T01:00:00.000Z';
const reading = { person: 'mei', reader: 'wang', posting: 'p3', reason: 'reason', readAt: at };
const read: ContactReadingEvent = { type: 'contact-read', data: reading };

describe('the reading of a contact', () => {
  it('is recorded with who, in which capacity, when and why', () => {
    given(contactReading)
      .when({ type: 'record', ...reading })
      .thenEvents(read);
  });

  it('is recorded once and never changes', () => {
    given(contactReading, read)
      .when({ type: 'record', ...reading, reader: 'li' })
      .thenNothing();
  });

  it('loses its words when one of the two is erased, and stays', () => {
    const then = given(contactReading, read).when({ type: 'erase-words', at, words: ['reason'] });
    then.thenEvents({ type: 'words-erased', data: { at, words: ['reason'] } });
    expect(then.state()).toEqual(reading);
  });

  it('has nothing to lose where nothing is written', () => {
    given(contactReading, read).when({ type: 'erase-words', at, words: [] }).thenNothing();
    given(contactReading)
      .when({ type: 'erase-words', at, words: ['reason'] })
      .thenNothing();
  });
});
