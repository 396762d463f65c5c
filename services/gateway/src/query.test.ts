import { rpcs } from '@bandeng/contracts';
import { describe, expect, test } from 'vitest';
import { parametersOf, readQuery } from './query.ts';
import { routesOf } from './routes.ts';

const list = routesOf(rpcs).find(({ rpc }) => rpc.name === 'ListTickets');
const inbox = routesOf(rpcs).find(({ rpc }) => rpc.name === 'ListInbox');
const read = (text: string) => readQuery(text, parametersOf(list?.request, []));
const readInbox = (text: string) => readQuery(text, parametersOf(inbox?.request, []));

describe('query parameters', () => {
  test('become what the contract says', () => {
    expect(read('territory=4599&status=ORDERED&pageSize=20')).toEqual({
      values: { territory: '4599', status: 'ORDERED', pageSize: 20 },
    });
    expect(readInbox('unread=true')).toEqual({ values: { unread: true } });
    expect(read('category=%E5%9F%8E+a%2Bb')).toEqual({ values: { category: '城 a+b' } });
    expect(read('')).toEqual({ values: {} });
  });

  test('of every GET of the contracts can be read', () => {
    for (const { verb, request, variables } of routesOf(rpcs)) if (verb === 'GET') parametersOf(request, variables);
  });

  test('of the wrong type are named', () => {
    for (const text of [
      'pageSize=',
      'pageSize=1e2',
      'pageSize=-1',
      'pageSize=01',
      'pageSize=4294967296',
      'pageSize=1.0',
    ]) {
      expect(read(text), text).toMatchObject({ faults: [{ field: 'pageSize', rule: 'type' }] });
    }
    expect(readInbox('unread=1')).toMatchObject({ faults: [{ field: 'unread', rule: 'type' }] });
  });

  test('that are unknown, given twice or not UTF-8 are named', () => {
    expect(read('page_size=1')).toMatchObject({ faults: [{ field: 'page_size', rule: 'unknown' }] });
    expect(read('status=ORDERED&status=RATED')).toMatchObject({ faults: [{ field: 'status', rule: 'duplicate' }] });
    expect(read('category=%FF')).toMatchObject({ faults: [{ field: 'category', rule: 'utf8' }] });
    expect(read('__proto__=1')).toMatchObject({ faults: [{ rule: 'unknown' }] });
  });
});
