import { type Channel, channels } from './preferences.ts';

/**
 * The channel that has a notice after this one failed: the next that the installation has and by which the person wants it, in the
 * end the inbox, which has it all the time.
 */
export function channelAfter(
  failed: Channel,
  has: (channel: Channel) => boolean,
  wants: (channel: Channel) => boolean,
): Channel | 'inbox' {
  const after = channels.slice(channels.indexOf(failed) + 1);
  return after.find((channel) => has(channel) && wants(channel)) ?? 'inbox';
}
