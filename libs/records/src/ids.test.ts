import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { derivedId } from './ids.ts';

describe('derived ids', () => {
  it('are UUIDs of version 8 that follow from their parts', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (parts) => {
        const id = derivedId(...parts);
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(derivedId(...parts)).toBe(id);
      }),
    );
  });

  it('differ when the parts do, also where they only join differently', () => {
    expect(derivedId('a', 'bc')).not.toBe(derivedId('ab', 'c'));
    expect(derivedId('a')).not.toBe(derivedId('a', ''));
  });

  it('stay what they are from release to release, for imports are told apart by them', () => {
    expect(derivedId('hotline', '2026-00017')).toBe('ab45d56a-02fc-87bd-916a-23db70317387');
  });
});
