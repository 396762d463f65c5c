import type { Fault } from '../domain/delivery.ts';
import type { Channel } from '../domain/preferences.ts';

/** What goes out: made from the notices, in the language of the one who gets it. */
export interface Letter {
  readonly to: string;
  /** The same for every try of the same letter, so that whoever takes it twice can drop one. */
  readonly id: string;
  readonly subject: string;
  readonly text: string;
  readonly language: 'zh-CN' | 'en';
}

/** Why a channel did not take a letter. */
export interface Failure {
  readonly fault: Fault;
  /** Another try would end the same way. */
  readonly lasting: boolean;
}

/** A way out of the house. It answers how it ended and throws only what is a bug. */
export interface Carrier {
  readonly channel: Channel;
  send(letter: Letter): Promise<'sent' | Failure>;
  close(): void;
}
