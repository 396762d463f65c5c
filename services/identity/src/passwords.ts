import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { turnstile } from '@bandeng/rpc/turnstile';

/**
 * Cost of one hash: 19 MiB, two passes, one lane (the OWASP minimum for argon2id), some 30 ms of one core. It runs in
 * libuv's pool, off the event loop.
 */
const cost = { memory: 19_456, passes: 2, parallelism: 1 } as const;
const saltBytes = 16;
const tagBytes = 32;

/** How many characters a password has; the contract says the same. */
export const passwordLength = { least: 10, most: 200 } as const;

/** Two of the pool's four threads at most, so that a flood of sign-ins leaves the others to files and names. */
const inTurn = turnstile(2);

const derive = promisify<'argon2id', Argon2Parameters, Buffer>(argon2);

/** Hashes a password as a PHC string `$argon2id$v=19$m=…,t=…,p=…$salt$tag`. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes);
  const tag = await deriveTag(password, salt, cost);
  return [
    '',
    'argon2id',
    'v=19',
    `m=${cost.memory},t=${cost.passes},p=${cost.parallelism}`,
    unpadded(salt),
    unpadded(tag),
  ].join('$');
}

/** Whether a password belongs to a hash; the parameters are the hash's own, so that they can be raised later. */
export async function passwordMatches(password: string, hash: string): Promise<boolean> {
  const parts = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)$/.exec(hash);
  if (parts === null) return false;
  const [, memory, passes, parallelism, salt, tag] = parts;
  const expected = Buffer.from(tag ?? '', 'base64');
  const found = await deriveTag(
    password,
    Buffer.from(salt ?? '', 'base64'),
    { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) },
    expected.length,
  );
  return timingSafeEqual(found, expected);
}

let decoy: Promise<string> | undefined;

/** Takes as long as a comparison: whoever guesses logins learns nothing from the time. */
export async function pretendToCompare(password: string): Promise<void> {
  decoy ??= hashPassword('nobody signs in with this');
  await passwordMatches(password, await decoy);
}

interface Cost {
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

function deriveTag(password: string, salt: Buffer, parameters: Cost, tagLength = tagBytes): Promise<Buffer> {
  // One password, however the keyboard composed its characters.
  const message = password.normalize('NFKC');
  return inTurn(() => derive('argon2id', { message, nonce: salt, tagLength, ...parameters }));
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
