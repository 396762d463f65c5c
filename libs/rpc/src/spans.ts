import type { Rpc } from '@bandeng/contracts';

/** How both ends of a call of an RPC are called in its trace, and what is said of them. */
export interface Span {
  readonly name: string;
  readonly about: Readonly<Record<string, string>>;
}

const spans = new WeakMap<Rpc, Span>();

/** The span of an RPC, in the names of OpenTelemetry for gRPC; made once for each RPC. */
export function spanOf(rpc: Rpc): Span {
  let span = spans.get(rpc);
  if (span === undefined) {
    const [, service = '', method = ''] = rpc.path.split('/');
    const about = { 'rpc.system': 'grpc', 'rpc.service': service, 'rpc.method': method };
    span = { name: `grpc.${rpc.path.slice(1)}`, about };
    spans.set(rpc, span);
  }
  return span;
}
