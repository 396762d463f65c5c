import { describe, expect, it } from 'vitest';
import { readArguments, WrongUse } from './command.ts';

const flags = { full: { type: 'boolean' }, territory: { type: 'string' } } as const;

describe('arguments of a command', () => {
  it('are options and words', () => {
    const { values, positionals } = readArguments(['tickets', 'a.csv', '--territory', '4599', '--full'], flags, {
      least: 2,
      most: 2,
    });
    expect(values).toMatchObject({ territory: '4599', full: true });
    expect(positionals).toEqual(['tickets', 'a.csv']);
  });

  it('are refused when unknown, without their value, too many or too few', () => {
    const wrong =
      (args: string[], least = 0) =>
      () =>
        readArguments(args, flags, { least, most: 1 });
    expect(wrong(['--fast'])).toThrow(new WrongUse("Unknown option '--fast'"));
    expect(wrong(['--territory'])).toThrow(WrongUse);
    expect(wrong(['one', 'two'])).toThrow(new WrongUse("'two' is not understood here"));
    expect(wrong([], 1)).toThrow(new WrongUse('something is missing'));
  });
});
