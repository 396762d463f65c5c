import { messageOf } from '../embedded/fault.ts';

/** What one look found: as it should be, worth seeing to, broken, or something that cannot be told from here. */
export interface Finding {
  readonly check: string;
  readonly verdict: 'ok' | 'warn' | 'FAIL' | 'note';
  readonly says: string;
}

/** A look at one thing or several; what it throws is a finding too. */
export interface Check {
  readonly name: string;
  look(): Promise<readonly Finding[]>;
}

export const ok = (check: string, says: string): Finding => ({ check, verdict: 'ok', says });
export const warn = (check: string, says: string): Finding => ({ check, verdict: 'warn', says });
export const fail = (check: string, says: string): Finding => ({ check, verdict: 'FAIL', says });
export const note = (check: string, says: string): Finding => ({ check, verdict: 'note', says });

/** Looks, as long as it takes or at most so long. */
export async function look({ name, look: its }: Check, withinMs?: number): Promise<readonly Finding[]> {
  const late = Promise.withResolvers<readonly Finding[]>();
  const tooLate = (seconds: number): void => late.resolve([fail(name, `not found out within ${seconds} s`)]);
  const timer = withinMs === undefined ? undefined : setTimeout(tooLate, withinMs, withinMs / 1000);
  try {
    return await Promise.race([its(), late.promise]);
  } catch (thrown) {
    return [fail(name, messageOf(thrown))];
  } finally {
    clearTimeout(timer);
  }
}

/** `12.3 GB` */
export function bytesOf(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

/** The first of a list, and how many there are more. */
export function some(all: readonly string[], count = all.length): string {
  const shown = all.slice(0, 3);
  return `${shown.join(', ')}${count > shown.length ? ` and ${count - shown.length} more` : ''}`;
}
