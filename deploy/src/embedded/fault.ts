import { ConfigurationFault } from '@bandeng/service/environment';

/** A fault that the person at the keyboard can mend: printed as its message alone, never with a stack. */
export class Mendable extends Error {
  override readonly name = 'Mendable';
}

/** Whether a fault is mended at the keyboard; a wrong setting of a service is, too. */
export function isMendable(thrown: unknown): boolean {
  return thrown instanceof Mendable || thrown instanceof ConfigurationFault;
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The code of a system error (`ENOENT`, `EADDRINUSE`, …), if it has one. */
export function codeOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}
