import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { bar, openProgress } from './progress.ts';

function capture(isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 40 });
  let now = 0;
  const progress = openProgress(stream, () => now);
  const later = (ms: number): void => {
    now += ms;
  };
  return { progress, later, text: () => String(stream.read() ?? '') };
}

describe('progress', () => {
  it('is one changing line on a terminal, gone at the end', () => {
    const { progress, text } = capture(true);
    progress.say('one');
    progress.say('two');
    progress.end();
    expect(text()).toBe('\r\x1b[2Kone\r\x1b[2Ktwo\r\x1b[2K');
  });

  it('is plain lines elsewhere: new words at once, new numbers every five seconds', () => {
    const { progress, later, text } = capture(false);
    progress.say('tickets 1 of 9');
    progress.say('tickets 2 of 9');
    later(5_000);
    progress.say('tickets 3 of 9');
    progress.say('accounts 1 of 2');
    expect(text()).toBe('tickets 1 of 9\ntickets 3 of 9\naccounts 1 of 2\n');
  });

  it('draws a bar', () => {
    expect(bar(1, 3)).toBe(`[${'#'.repeat(10)}${'.'.repeat(20)}] 1 of 3`);
    expect(bar(0, 0)).toBe(`[${'#'.repeat(30)}] 0 of 0`);
  });
});
