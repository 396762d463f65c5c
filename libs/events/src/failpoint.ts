/**
 * For resilience tests only: `BANDENG_FAIL_POINT=before-publish|after-publish|in-rebuild[:n]` makes the process kill itself
 * (SIGKILL) when the relay passes that place the n-th time (the first when left out): after the write and before the messages
 * go out, after their ack and before that is kept anywhere, or after a batch of a stream that is made anew.
 * `BANDENG_FAIL_SIGNAL=SIGSTOP`: it stops itself there instead, once, and may be resumed when another has taken over.
 */
export type FailPoint = 'before-publish' | 'after-publish' | 'in-rebuild';

const [place, times = '1'] = (process.env.BANDENG_FAIL_POINT ?? '').split(':');
const signal = process.env.BANDENG_FAIL_SIGNAL === 'SIGSTOP' ? 'SIGSTOP' : 'SIGKILL';
let left = Number(times);

/** Does nothing unless the environment names this place. */
export function passFailPoint(here: FailPoint): void {
  if (place !== here) return;
  left -= 1;
  if (left === 0) process.kill(process.pid, signal);
}
