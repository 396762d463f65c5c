import { messageSchema } from '@bandeng/contracts';
import type { FieldProblem } from '@bandeng/contracts/problems';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';

/** Says what is wrong with a value; undefined when all is well. */
export type Validator = (value: unknown) => readonly FieldProblem[] | undefined;

/** More faults than this in one request are not told. */
const mostFields = 50;

const ajv = new Ajv2020({
  allErrors: true,
  discriminator: true,
  verbose: true,
  strictTypes: false,
  strictRequired: false,
  formats: { 'date-time': isInstant },
});
ajv.addKeyword({
  keyword: 'text',
  type: 'string',
  validate: (_: unknown, text: string) => isStorable(text),
  errors: false,
});
ajv.addKeyword({
  keyword: 'instant',
  validate: (_: unknown, value: unknown) => value instanceof Date && inRange(value.getTime()),
  errors: false,
});

const validators = new Map<string, Validator>();

/**
 * Judges a message of a type (`bandeng.tickets.v1.OrderTicketRequest`) in one of its forms; see `messageSchema`. Compiled when
 * first asked for, then kept.
 */
export function validator(type: string, options: { form: 'json' | 'message'; rules: boolean }): Validator {
  const key = `${type} ${options.form} ${options.rules}`;
  let found = validators.get(key);
  if (found === undefined) {
    const validate = ajv.compile(messageSchema(type, options));
    found = (value) => (validate(value) ? undefined : fieldProblems(validate, value));
    validators.set(key, found);
  }
  return found;
}

function isStorable(text: string): boolean {
  return !text.includes('\u0000') && text.isWellFormed();
}

const firstInstant = Date.parse('0001-01-01T00:00:00Z');
const lastInstant = Date.parse('9999-12-31T23:59:59.999Z');

function inRange(time: number): boolean {
  return time >= firstInstant && time <= lastInstant;
}

/** RFC 3339 of a day that there is, without leap seconds, which no Date can hold. */
function isInstant(text: string): boolean {
  const parts = /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/.exec(
    text,
  );
  if (parts?.[1] === undefined || !inRange(Date.parse(text))) return false;
  // Date.parse takes the 31st of a month of thirty days for the 1st of the next.
  return new Date(`${parts[1]}T00:00:00Z`).toISOString().startsWith(parts[1]);
}

function fieldProblems(validate: ValidateFunction, root: unknown): FieldProblem[] {
  const found = new Map<string, FieldProblem>();
  for (const error of validate.errors ?? []) {
    // Of "empty or at least n characters" only the second is worth telling; the choice itself says nothing more.
    if (error.keyword === 'anyOf' || error.schemaPath.includes('/anyOf/0/')) continue;
    const problem = fieldProblem(error, root);
    const key = `${problem.field} ${problem.rule}`;
    if (!found.has(key)) found.set(key, problem);
    if (found.size === mostFields) break;
  }
  return [...found.values()];
}

function fieldProblem(error: ErrorObject, root: unknown): FieldProblem {
  const { keyword, params, instancePath, parentSchema } = error;
  const path = fieldPath(instancePath, root);
  const below = (name: string) => (path === '' ? name : `${path}.${name}`);
  switch (keyword) {
    case 'required': {
      const missing: string = params.missingProperty;
      // A choice has a name in memory only.
      const chosen = parentSchema?.properties?.[missing]?.discriminator !== undefined;
      return { field: chosen ? path : below(missing), rule: 'required', message: 'must be given' };
    }
    case 'minItems':
    case 'minProperties':
      return { field: path, rule: 'required', message: 'must be given' };
    case 'minLength':
      if (params.limit === 1) return { field: path, rule: 'required', message: 'must not be empty' };
      return { field: path, rule: keyword, message: `must have at least ${params.limit} characters` };
    case 'maxLength':
      return { field: path, rule: keyword, message: `must have at most ${params.limit} characters` };
    case 'pattern':
      return { field: path, rule: keyword, message: `must have the form ${params.pattern}` };
    case 'minimum':
      return { field: path, rule: keyword, message: `must be at least ${params.limit}` };
    case 'maximum':
      return { field: path, rule: keyword, message: `must be at most ${params.limit}` };
    case 'maxItems':
      return { field: path, rule: keyword, message: `must have at most ${params.limit} items` };
    case 'enum':
      if (error.data === 'UNSPECIFIED') return { field: path, rule: 'required', message: 'must be given' };
      return { field: path, rule: keyword, message: `must be one of ${params.allowedValues.join(', ')}` };
    case 'additionalProperties':
      return { field: below(params.additionalProperty), rule: 'unknown', message: 'is no field of this message' };
    case 'type':
      return { field: path, rule: keyword, message: `must be ${article(String(params.type))}` };
    case 'text':
      return { field: path, rule: keyword, message: 'must not hold NUL or half a character' };
    case 'instant':
    case 'format':
      return {
        field: path,
        rule: 'dateTime',
        message: 'must be an instant as in RFC 3339, for example 2026-11-24T08:00:00Z',
      };
    case 'maxProperties':
    case 'not':
    case 'oneOf':
      return { field: path, rule: 'oneOf', message: 'must have exactly one of its fields' };
    default:
      return { field: path, rule: keyword, message: 'is not as the contract says' };
  }
}

function article(type: string): string {
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

/** `handler.unit`, `steps[2].text`: the path in proto JSON, where a choice that ts-proto keeps as `$case` has no step of its own. */
function fieldPath(instancePath: string, root: unknown): string {
  let path = '';
  let value: unknown = root;
  let inChoice = false;
  for (const segment of instancePath.split('/').slice(1)) {
    const name = segment.replaceAll('~1', '/').replaceAll('~0', '~');
    const at: unknown = Reflect.get(Object(value), name);
    if (!(inChoice && name === 'value')) {
      const chosen: unknown = Reflect.get(Object(at), '$case');
      inChoice = typeof chosen === 'string';
      const step = inChoice ? String(chosen) : name;
      path += Array.isArray(value) ? `[${step}]` : path === '' ? step : `.${step}`;
    } else {
      inChoice = false;
    }
    value = at;
  }
  return path;
}
