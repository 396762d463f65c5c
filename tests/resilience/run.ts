import type { Judgement } from './judgement.ts';
import type { LoadFigures } from './load.ts';

/** Short in the test command, long as `./bandeng soak`. */
export type Form = 'short' | 'long';

/** What a run has besides its parameters. */
export interface Circumstances {
  /** Whatever is drawn follows from it. */
  readonly seed: number;
  /** Says what is going on. */
  tell(line: string): void;
}

/** What came of a run. */
export interface Outcome {
  readonly judgement: Judgement;
  readonly orders: number;
  /** Requests that were sent again because nobody answered, or by 500 and above. */
  readonly sentAgain: number;
  /** Requests that failed for whoever sent them: see `hidden`. */
  readonly failed: number;
}

/** A fault, what is done to the city, and how long. */
export interface Run {
  readonly name: string;
  /** The fault with the parameters of a form. */
  fault(form: Form): string;
  perform(form: Form, circumstances: Circumstances): Promise<Outcome>;
}

export interface RunDefinition<Parameters> {
  readonly name: string;
  fault(parameters: Parameters): string;
  readonly short: Parameters;
  readonly long: Parameters;
  perform(parameters: Parameters, circumstances: Circumstances): Promise<Outcome>;
}

export function run<Parameters>(definition: RunDefinition<Parameters>): Run {
  const { name } = definition;
  return {
    name,
    fault: (form) => definition.fault(definition[form]),
    perform: (form, circumstances) => definition.perform(definition[form], circumstances),
  };
}

/**
 * The outcome when everything has healed and drained. A request that had to be sent again is no failure where the fault takes
 * away what there is but one of; `hidden` says that there were two of each, so that nobody may notice.
 * Await it within the block of the city, which ends with the block.
 */
export async function outcomeOf(
  city: { drained(): Promise<void>; judge(): Promise<Judgement> },
  figures: LoadFigures,
  { tell }: Pick<Circumstances, 'tell'>,
  hidden = false,
): Promise<Outcome> {
  const { orders, sentAgain, unanswered, reasons } = figures;
  for (const [reason, times] of reasons) tell(`sent again ${times} times: ${reason}`);
  tell(`${orders} orders; draining`);
  await city.drained();
  return { judgement: await city.judge(), orders, sentAgain, failed: unanswered + (hidden ? sentAgain : 0) };
}
