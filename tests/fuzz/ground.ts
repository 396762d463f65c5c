import { type Town, town } from '@bandeng/testing/town';

/** A town without limits: whoever fuzzes asks more than anybody may, and a busy machine is no finding. */
export function fuzzedTown(): Promise<Town> {
  return town({ environment: { BANDENG_RATE_LIMIT: 'off', BANDENG_MOST_DELAY_MS: '0', BANDENG_LOG_LEVEL: 'silent' } });
}
