/** JSON as it comes in: strict where `JSON.parse` is lenient. */
import { isUtf8 } from 'node:buffer';
import { fault, invalid, type Problem, problem } from './problems.ts';

/** An object from a body, or why there is none. */
export type Body = { readonly value: Record<string, unknown> } | { readonly problem: Problem };

/** More than any message of the contracts needs. */
const deepest = 32;

/**
 * Reads a body. Nothing at all is an empty object. Refused: broken UTF-8 (also half of a surrogate pair), what is not
 * JSON, what is no object, nesting beyond 32, a key that stands twice in one object, keys that reach into prototypes.
 */
export function readBody(bytes: Buffer): Body {
  if (bytes.length === 0) return { value: {} };
  if (!isUtf8(bytes)) return { problem: problem('malformed', { detail: 'The body is not UTF-8.' }) };
  const text = bytes.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: problem('malformed', { detail: 'The body is not JSON.' }) };
  }
  if (!isObject(value)) return { problem: invalid([fault('', 'type', 'The body must be a JSON object.')]) };
  const wrong = structureFault(text);
  return wrong === undefined ? { value } : { problem: wrong };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * What `JSON.parse` lets pass. One walk over text that is known to be JSON, so it needs no grammar: a string is a key
 * when a colon follows it.
 */
function structureFault(text: string): Problem | undefined {
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x7b: // {
      case 0x5b: // [
        if (open.length === deepest) return problem('malformed', { detail: 'The body is nested too deeply.' });
        open.push(text.charCodeAt(at) === 0x7b ? new Set() : undefined);
        break;
      case 0x7d: // }
      case 0x5d: // ]
        open.pop();
        break;
      case 0x22: {
        const end = endOfString(text, at);
        const raw = text.slice(at, end + 1);
        const escaped = raw.includes('\\');
        const string: unknown = escaped ? JSON.parse(raw) : raw.slice(1, -1);
        if (typeof string !== 'string' || (escaped && !string.isWellFormed())) {
          return problem('malformed', { detail: 'A string of the body holds half of a surrogate pair.' });
        }
        const wrong = isKey(text, end + 1) ? keyFault(string, open.at(-1)) : undefined;
        if (wrong !== undefined) return wrong;
        at = end;
      }
    }
  }
  return undefined;
}

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

function isEscaped(text: string, quote: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(quote - 1 - backslashes) === 0x5c) backslashes++;
  return backslashes % 2 === 1;
}

function isKey(text: string, after: number): boolean {
  let at = after;
  while (' \t\r\n'.includes(text.charAt(at)) && at < text.length) at++;
  return text.charCodeAt(at) === 0x3a;
}

function keyFault(key: string, seen: Set<string> | undefined): Problem | undefined {
  if (seen === undefined) return undefined;
  if (key === '__proto__' || key === 'constructor' || key === 'prototype') {
    return invalid([fault(key, 'unknown', 'There is no such field.')]);
  }
  if (seen.has(key)) return invalid([fault(key, 'duplicate', 'The field is given more than once.')]);
  seen.add(key);
  return undefined;
}
