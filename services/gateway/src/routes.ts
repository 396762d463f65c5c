/** Where each RPC of the contracts is found over HTTP. Pure; anything outside the subset of HTTP bindings fails the start. */
import { descriptors, type Rpc } from '@bandeng/contracts';

/** A message type as its contract describes it. */
export type MessageShape = ReturnType<typeof descriptors>['rpcs'][number]['descriptor']['input'];

/** An RPC as a route. */
export interface Route {
  readonly rpc: Rpc;
  readonly verb: 'GET' | 'POST';
  /** As the contract writes it: `/v1/tickets/{id}:dispatch`. */
  readonly template: string;
  /** As the router reads it: `/v1/tickets/:id(^[^:]+)::dispatch`. */
  readonly url: string;
  /** JSON names of the fields that the path carries. */
  readonly variables: readonly string[];
  /** A POST to a plain collection makes something new: answered 201 with its Location. */
  readonly creates: boolean;
  readonly request: MessageShape;
  readonly response: MessageShape;
}

/** A path together with what it answers to; every other method is 405. */
export interface Place {
  readonly url: string;
  readonly allow: readonly string[];
}

const variablePattern = /\{([^{}]*)\}/g;

/** The routes of all RPCs that are open to HTTP, in the order of the contracts. */
export function routesOf(rpcs: readonly Rpc[]): Route[] {
  const contracts = new Map(descriptors().rpcs.map(({ path, descriptor }) => [path, descriptor]));
  return rpcs.flatMap((rpc) => {
    if (rpc.http === undefined || rpc.access.kind === 'internal') return [];
    const contract = contracts.get(rpc.path);
    if (contract === undefined) throw new Error(`${rpc.path} is not in the descriptor set`);
    const { verb, path: template } = rpc.http;
    const variables = variablesOf(template, contract.input);
    const creates = verb === 'POST' && variables.length === 0 && !template.includes(':');
    const url = routerPath(template);
    return [{ rpc, verb, template, url, variables, creates, request: contract.input, response: contract.output }];
  });
}

/** Every path of the routes with the methods that it answers to. */
export function placesOf(routes: readonly Route[]): Place[] {
  const verbs = Map.groupBy(routes, ({ template }) => template);
  return [...verbs].map(([template, at]) => ({
    // A colon starts a verb, so that `POST /v1/tickets/x:unknown` is no place at all (404) and not a ticket's (405).
    url: /\}$/.test(template) ? routerPath(template).replace(/:([a-zA-Z]+)$/, ':$1(^[^:]+$)') : routerPath(template),
    allow: at.flatMap(({ verb }) => (verb === 'GET' ? ['GET', 'HEAD'] : [verb])).sort(),
  }));
}

/** What the router makes of a template: `{id}:verb` becomes `:id(^[^:]+)::verb`, for without the pattern any verb matches. */
function routerPath(template: string): string {
  const outside = (why: string) => new Error(`the path ${template} ${why}`);
  if (!template.startsWith('/') || template.endsWith('/'))
    throw outside('does not start with a slash or ends with one');
  return template
    .split('/')
    .map((segment) => {
      const bound = /^\{([a-z][a-z_]*)\}(?::([a-z][a-z-]*))?$/.exec(segment);
      if (bound?.[1] !== undefined) {
        const name = jsonName(bound[1]);
        return bound[2] === undefined ? `:${name}` : `:${name}(^[^:]+)::${bound[2]}`;
      }
      if (!/^[A-Za-z0-9._-]*(:[a-z][a-z-]*)?$/.test(segment))
        throw outside('has a segment that is no name or variable');
      return segment.replaceAll(':', '::');
    })
    .join('/');
}

function variablesOf(template: string, request: MessageShape): string[] {
  return [...template.matchAll(variablePattern)].map(([, name = '']) => {
    const field = request.fields.find((candidate) => candidate.name === name);
    if (field?.fieldKind !== 'scalar' || field.jsonName !== jsonName(name)) {
      throw new Error(`${template}: ${request.typeName} has no scalar field ${name}`);
    }
    return field.jsonName;
  });
}

function jsonName(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
