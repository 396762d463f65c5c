import { type Lender, openLender } from './lender.ts';
import { LENDER_VARIABLE } from './parts.ts';

// vitest's globalSetup: runs in the main process, before workers are forked, which inherit the variable.
let lender: Lender | undefined;

/** Opens the lender before vitest forks its workers. */
export async function setup(): Promise<void> {
  lender = await openLender();
  process.env[LENDER_VARIABLE] = lender.socket;
}

/** Closes the lender, and with it every pair. */
export async function teardown(): Promise<void> {
  delete process.env[LENDER_VARIABLE];
  await lender?.close();
  lender = undefined;
}
