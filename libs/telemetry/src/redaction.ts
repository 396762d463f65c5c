import { stdSerializers } from 'pino';

/** Keys whose values never reach a log, however deep they stand: in small letters, without `-` and `_`. */
const withheld: ReadonlySet<string> = new Set([
  // What lets somebody in.
  'authorization',
  'serviceauthorization',
  'cookie',
  'setcookie',
  'password',
  'oldpassword',
  'newpassword',
  'secret',
  'clientsecret',
  'secrethash',
  'token',
  'accesstoken',
  'refreshtoken',
  'idtoken',
  'code',
  'followcode',
  // Who somebody is, and how they are reached.
  'name',
  'names',
  'displayname',
  'readername',
  'login',
  'phone',
  'email',
  'address',
  // What people wrote.
  'text',
  'words',
  'remark',
  'ratingremark',
  'note',
  'resolution',
  'explanation',
]);

/** In a fault these two are words of a program: what kind it is of. */
const ofFaults: ReadonlySet<string> = new Set(['name', 'code']);

/** So deep nothing is logged on purpose. */
const deepest = 8;

/**
 * A copy of what is to be logged, without tokens, contacts, names of people and what they wrote, by the keys under which
 * these stand at any depth. Faults become plain objects; what goes round in a circle or too deep ends in a word that says so.
 */
export function withoutSecrets(about: object): Record<string, unknown> {
  return entriesOf(about, new Set([about]));
}

function entriesOf(about: object, within: ReadonlySet<object>, kept: ReadonlySet<string> = new Set()) {
  const entries = Object.entries(about)
    .filter(([key]) => kept.has(key) || !withheld.has(key.toLowerCase().replaceAll(/[-_]/g, '')))
    .map(([key, value]) => [key, copyOf(value, within)]);
  return Object.fromEntries(entries);
}

function copyOf(value: unknown, within: ReadonlySet<object>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (within.has(value)) return '[circular]';
  if (within.size > deepest) return '[too deep]';
  try {
    return copyOfObject(value, within);
  } catch {
    // What cannot be read must not keep the rest of the line from being written.
    return '[unreadable]';
  }
}

function copyOfObject(value: object, within: ReadonlySet<object>): unknown {
  const inside = new Set([...within, value]);
  if (Array.isArray(value)) return value.map((one) => copyOf(one, inside));
  if (value instanceof Error) return entriesOf(stdSerializers.err(value), inside, ofFaults);
  if ('toJSON' in value && typeof value.toJSON === 'function') return copyOf(value.toJSON(), inside);
  return entriesOf(value, inside);
}
