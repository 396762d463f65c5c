import { rpcs } from '@bandeng/contracts';
import {
  DispatchTicketRequest,
  OrderTicketRequest,
  RegisterCategoryRequest,
  SuspendTicketRequest,
} from '@bandeng/contracts/tickets';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { validator } from './rules.ts';

const message = { form: 'message', rules: true } as const;
const order = { text: '灯坏了', territory: '459902', category: 'c' };

function faults(type: string, value: unknown): string[] {
  return (validator(`bandeng.tickets.v1.${type}`, message)(value) ?? []).map(({ field, rule }) => `${field} ${rule}`);
}

describe('a decoded message', () => {
  test('that is as the contract says has no faults', () => {
    expect(
      validator('bandeng.tickets.v1.OrderTicketRequest', message)(OrderTicketRequest.fromPartial(order)),
    ).toBeUndefined();
  });

  test('tells every fault at once, each by its JSON path', () => {
    const wrong = OrderTicketRequest.fromPartial({ territory: 'x', category: 'c'.repeat(201), place: 'a\u0000b' });
    expect(faults('OrderTicketRequest', wrong)).toEqual([
      'text required',
      'territory pattern',
      'category maxLength',
      'place text',
    ]);
  });

  test('names an enum value that it does not know, and takes one that is left out where it may be', () => {
    const unknown = OrderTicketRequest.decode(
      Buffer.concat([
        OrderTicketRequest.encode(OrderTicketRequest.fromPartial(order)).finish(),
        Buffer.from([0x30, 0x63]),
      ]),
    );
    expect(faults('OrderTicketRequest', unknown)).toEqual(['urgency enum']);
    expect(faults('NoteTicketRequest', { id: 't', text: 'x', audience: 'UNSPECIFIED' })).toEqual(['audience required']);
  });

  test('names the field of a choice as JSON does', () => {
    const dispatch = (handler: object) =>
      faults('DispatchTicketRequest', DispatchTicketRequest.fromPartial({ id: 't', ...handler }));
    expect(dispatch({ handler: { handler: { $case: 'grid', value: 'abc' } } })).toEqual(['handler.grid pattern']);
    expect(dispatch({ handler: { handler: { $case: 'unit', value: 'u'.repeat(65) } } })).toEqual([
      'handler.unit maxLength',
    ]);
    expect(dispatch({ handler: { handler: { $case: 'openCall', value: '459902001001' } } })).toEqual([]);
    expect(dispatch({ handler: {} })).toEqual(['handler required']);
    expect(dispatch({})).toEqual(['handler required']);
  });

  test('names items of lists by their index', () => {
    const path = (names: string[]) =>
      faults('RegisterCategoryRequest', RegisterCategoryRequest.fromPartial({ path: names }));
    expect(path([])).toEqual(['path required']);
    expect(path(['a', 'b.c', ''])).toEqual(['path[1] pattern', 'path[2] pattern']);
    expect(path(Array.from({ length: 6 }, () => 'a'))).toEqual(['path maxItems']);
  });

  test('refuses an instant that is none', () => {
    const suspend = { id: 't', reason: 'r', until: new Date(Number.NaN) };
    expect(faults('SuspendTicketRequest', suspend)).toEqual(['until dateTime']);
    expect(faults('SuspendTicketRequest', { ...suspend, until: new Date(8e15) })).toEqual(['until dateTime']);
    expect(faults('SuspendTicketRequest', SuspendTicketRequest.fromPartial({ id: 't', reason: 'r' }))).toEqual([
      'until required',
    ]);
  });

  test('measures an optional text only where there is one, and says the limit', () => {
    const judge = validator('bandeng.identity.v1.RegisterAccountRequest', message);
    const account = { login: 'li.na', name: '李娜', phone: '', language: '', password: '' };
    expect(judge(account)).toBeUndefined();
    expect(judge({ ...account, password: 'short' })).toEqual([
      { field: 'password', rule: 'minLength', message: 'must have at least 10 characters' },
    ]);
  });

  test('counts characters, not UTF-16 units', () => {
    expect(faults('OrderTicketRequest', OrderTicketRequest.fromPartial({ ...order, text: '𠮷'.repeat(4000) }))).toEqual(
      [],
    );
  });
});

describe('proto JSON', () => {
  const judge = validator('bandeng.tickets.v1.SuspendTicketRequest', { form: 'json', rules: false });

  test('is judged by its shape alone where the rules come later', () => {
    expect(judge({})).toBeUndefined();
    expect(judge({ id: 7, unknown: 1 })).toEqual([
      { field: 'unknown', rule: 'unknown', message: 'is no field of this message' },
      { field: 'id', rule: 'type', message: 'must be a string' },
    ]);
  });

  test.each([
    '2026-02-30T00:00:00Z',
    '2026-11-24',
    '2026-11-24T08:00:60Z',
    '2026-11-24T24:00:00Z',
    '2026-11-24T08:00:00',
    'tomorrow',
    '',
  ])('refuses %s for an instant', (until) => {
    expect(judge({ until })?.[0]).toMatchObject({ field: 'until', rule: 'dateTime' });
  });

  test.each(['2026-11-24T08:00:00Z', '2024-02-29T23:59:59.123456789+08:00'])('takes %s for an instant', (until) => {
    expect(judge({ until })).toBeUndefined();
  });
});

test('whatever is sent as a request, judging it never throws', () => {
  for (const { requestType } of rpcs) {
    const judge = validator(requestType, { form: 'json', rules: true });
    fc.assert(
      fc.property(fc.object({ maxDepth: 2, maxKeys: 3 }), (value) => {
        judge(value);
      }),
      { numRuns: 10 },
    );
  }
});
