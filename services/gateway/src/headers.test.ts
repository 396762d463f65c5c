import { describe, expect, test } from 'vitest';
import { readHeaders } from './headers.ts';

describe('the headers of a call', () => {
  test('go on as they came, with one of the two languages', () => {
    const headers = {
      authorization: 'Bearer a.b.c',
      'acting-as': 'b1d2',
      'idempotency-key': 'k-1',
      'if-match': '"3"',
      'accept-language': 'fr, en;q=0.8, zh;q=0.5',
    };
    expect(readHeaders(headers)).toEqual({
      authorization: 'Bearer a.b.c',
      actingAs: 'b1d2',
      idempotencyKey: 'k-1',
      ifMatch: '"3"',
      acceptLanguage: 'en',
    });
    expect(readHeaders({})).toEqual({ acceptLanguage: 'zh-CN' });
  });

  test('with a weak or broken ETag are refused', () => {
    for (const tag of ['W/"3"', '3', '"03"', '"x"', '"1", "2"', '"99999999999"']) {
      expect(readHeaders({ 'if-match': tag }), tag).toMatchObject({
        problem: { status: 400, fields: [{ field: 'ifMatch' }] },
      });
    }
  });

  test('that no service could read are refused', () => {
    expect(readHeaders({ 'idempotency-key': 'é' })).toMatchObject({
      problem: { fields: [{ field: 'idempotencyKey' }] },
    });
    expect(readHeaders({ 'idempotency-key': '' })).toMatchObject({
      problem: { fields: [{ field: 'idempotencyKey' }] },
    });
    expect(readHeaders({ 'acting-as': 'a b' })).toMatchObject({ problem: { fields: [{ field: 'actingAs' }] } });
    expect(readHeaders({ authorization: 'Basic eDp5' })).toMatchObject({
      problem: { status: 401, reason: 'token-invalid' },
    });
  });
});
