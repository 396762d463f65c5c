import type { Rpc } from '@bandeng/contracts';

/** How both ends of a call of an RPC are called in its trace, and what is said of them. */
export function spanOf({ path }: Rpc): { readonly name: string; readonly about: Readonly<Record<string, string>> } {
  const [, service = '', method = ''] = path.split('/');
  const about = { 'rpc.system': 'grpc', 'rpc.service': service, 'rpc.method': method };
  return { name: `grpc.${path.slice(1)}`, about };
}
