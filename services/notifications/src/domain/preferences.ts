import { type Decider, refuse } from '@bandeng/decider';

/**
 * What a notice is to the one who gets it: something that waits for them, an open call to the members of their community,
 * something of theirs that goes on, or has come to an end.
 */
export const kinds = ['task', 'call', 'progress', 'result'] as const;
export type Kind = (typeof kinds)[number];

/** Ways of telling beside the inbox, in the order in which they are tried. */
export const channels = ['email'] as const;
export type Channel = (typeof channels)[number];

/** How soon a channel tells. */
export type Pace = 'off' | 'at-once' | 'digest';

/** Hours of each day in which nothing is sent, `HH:MM` in the time of China; they may go over midnight. */
export interface QuietHours {
  readonly from: string;
  readonly until: string;
}

/** How a person wants to be told, beside the inbox, which is always there. */
export interface Preferences {
  readonly person: string;
  readonly choices: { readonly [C in Channel]: { readonly [K in Kind]: Pace } };
  /** Left out: the language of the account. */
  readonly language?: 'zh-CN' | 'en';
  readonly quietHours?: QuietHours;
  /** Hour of the day in the time of China. */
  readonly digestHour: number;
}

/** What a person says of one kind and one channel. */
export interface Choice {
  readonly kind: Kind;
  readonly channel: Channel | 'inbox';
  readonly pace: Pace;
}

export type PreferencesEvent = { readonly type: 'preferences-set'; readonly data: Preferences };

export interface SetPreferences extends Omit<Preferences, 'choices'> {
  readonly choices: readonly Choice[];
}

export type PreferencesRefusal =
  /** The same kind and channel twice. */
  | 'choice-repeated'
  /** The inbox cannot be chosen or chosen away. */
  | 'inbox-always'
  /** Quiet hours that end when they begin: nobody can tell whether that is never or always. */
  | 'quiet-hours-empty';

export const usualDigestHour = 18;

const silent = { task: 'off', call: 'off', progress: 'off', result: 'off' } as const satisfies Record<Kind, Pace>;

/** Whoever never chose is told in the inbox alone: an address is used for what its owner asked for. */
export function unchosen(person: string): Preferences {
  return { person, choices: { email: silent }, digestHour: usualDigestHour };
}

/** How a person wants to be told: said as a whole, as often as they like. */
export const preferences: Decider<Preferences, SetPreferences, PreferencesEvent, PreferencesRefusal> = {
  decide(state, { choices, ...rest }) {
    const { quietHours } = rest;
    if (quietHours !== undefined && quietHours.from === quietHours.until) {
      return refuse('quiet-hours-empty', { field: 'quietHours' });
    }
    const email: Record<Kind, Pace> = { ...silent };
    const said = new Set<string>();
    for (const { kind, channel, pace } of choices) {
      if (channel === 'inbox') return refuse('inbox-always', { field: 'choices' });
      if (said.has(`${channel} ${kind}`)) return refuse('choice-repeated', { field: 'choices' });
      said.add(`${channel} ${kind}`);
      email[kind] = pace;
    }
    const chosen: Preferences = { ...rest, choices: { email } };
    if (state !== undefined && spelled(state) === spelled(chosen)) return [];
    return [{ type: 'preferences-set', data: chosen }];
  },
  evolve: (_state, event) => event.data,
};

function spelled({ choices, language, quietHours, digestHour }: Preferences): string {
  const paces = channels.map((channel) => kinds.map((kind) => choices[channel][kind]));
  return JSON.stringify([paces, language, quietHours?.from, quietHours?.until, digestHour]);
}
