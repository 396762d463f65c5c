import type { RpcContract } from './descriptors.ts';

/** Calls that answer page by page and yet leave as no table, by full name, each with the reason. */
export const withoutTable: Readonly<Record<string, string>> = {
  'identity.GetMyData': 'several lists of different things one after the other: one table cannot hold them',
};

/** Whether an RPC has a route that answers page by page. */
export function isPaged({ http, descriptor }: RpcContract): boolean {
  return http?.verb === 'GET' && descriptor.input.fields.some(({ name }) => name === 'page_token');
}

/** Whether a list leaves as Excel and CSV too: every paged one does, unless a reason against it is given above. */
export function leavesAsTable(rpc: RpcContract): boolean {
  return isPaged(rpc) && !Object.hasOwn(withoutTable, `${rpc.service}.${rpc.name}`);
}
