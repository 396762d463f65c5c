/**
 * Values of the domain (JSON) and of BSON. Instants are ISO strings in the domain and dates in the database, so that indexes and
 * people with a shell see dates; the way there and back loses nothing, because only strings that a date writes the same are dates.
 */

const instantForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Whether a string is an instant in the one form that is stored as a date: `YYYY-MM-DDTHH:mm:ss.sssZ`, and on the calendar. */
export function isInstant(text: string): boolean {
  return dateOf(text) !== undefined;
}

function dateOf(text: string): Date | undefined {
  if (text.length !== 24 || !instantForm.test(text)) return undefined;
  const date = new Date(text);
  // What is not on the calendar is read as another day, or as none.
  return date.getUTCDate() === Number(text.slice(8, 10)) ? date : undefined;
}

/** Whether a name can be a field: MongoDB reads `.` and `$` as paths and operators, JavaScript `__proto__` as the prototype. */
export function isFieldName(name: string): boolean {
  return name !== '' && !name.startsWith('$') && !/[.\0]/.test(name) && name !== '__proto__';
}

/** @throws TypeError for what JSON does not have, and for names that cannot be fields: both are mistakes of ours. */
export function toBson(value: unknown): unknown {
  if (typeof value === 'string') return dateOf(value) ?? value;
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return value;
  if (Array.isArray(value)) return value.map(toBson);
  if (isPlain(value)) return fieldsToBson(value);
  throw new TypeError(`a ${typeof value} is no value of the domain`);
}

/** The fields of an object as BSON; a field that is undefined is not there. */
export function fieldsToBson(fields: object): Record<string, unknown> {
  // A copy keeps the hidden class, which an object that is built up by name loses; then whoever writes it out looks up each field.
  const result = defined(fields);
  for (const [name, value] of Object.entries(result)) {
    if (!isFieldName(name)) throw new TypeError(`'${name}' cannot be the name of a field`);
    const stored = toBson(value);
    if (stored !== value) result[name] = stored;
  }
  return result;
}

/** A copy without the fields that are undefined. */
export function defined(fields: object): Record<string, unknown> {
  const entries = Object.entries(fields);
  if (entries.every(([, value]) => value !== undefined)) return { ...fields };
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** What `toBson` stored. What holds no date is the same object still. */
export function fromBson(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) {
    const items = value.map(fromBson);
    return items.every((item, place) => item === value[place]) ? value : items;
  }
  if (!isPlain(value)) return value;
  let result: Record<string, unknown> | undefined;
  for (const name of Object.keys(value)) {
    const stored = value[name];
    const item = fromBson(stored);
    if (item === stored) continue;
    result ??= { ...value };
    result[name] = item;
  }
  return result ?? value;
}

/** Whether two values of the domain are stored as the same. */
export function same(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (Array.isArray(one)) {
    return Array.isArray(other) && one.length === other.length && one.every((item, index) => same(item, other[index]));
  }
  if (!isPlain(one) || !isPlain(other)) return false;
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].every((name) => same(one[name], other[name]));
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
