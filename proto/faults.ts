import type { Contracts, DescField, Described, RpcContract } from '../libs/contracts/src/descriptors.ts';

/** What in the contracts is outside the subset that gateway, server and documents are made for; empty when all is well. */
export function faultsOf(contracts: Contracts): string[] {
  return [
    ...contracts.rpcs.flatMap((rpc) => accessFaults(rpc)),
    ...contracts.rpcs.flatMap((rpc) => bindingFaults(rpc)),
    ...routeClashes(contracts.rpcs),
    ...enumFaults(contracts),
    ...undescribed(contracts),
  ];
}

function accessFaults({ service, name, access, http }: RpcContract): string[] {
  const rpc = `${service}.${name}`;
  if (access === undefined) return [`${rpc}: no access option, or not exactly one rule in it`];
  if (access.kind === 'action' && !/^[a-z-]+\.[a-z-]+$/.test(access.action ?? '')) {
    return [`${rpc}: an action is named like tickets.dispatch, not ${access.action}`];
  }
  if (access.kind === 'internal' && http !== undefined) return [`${rpc}: is internal, so it has no HTTP binding`];
  if (access.kind !== 'internal' && http === undefined) return [`${rpc}: is not internal, so it needs google.api.http`];
  return [];
}

function bindingFaults({ service, name, http, descriptor }: RpcContract): string[] {
  const rpc = `${service}.${name}`;
  if (descriptor.methodKind !== 'unary') return [`${rpc}: streams are outside the subset`];
  if (http === undefined) return [];
  const faults: string[] = [];
  if (!/^\/v1(\/([a-z][a-z-]*|\{[a-z_]+\}))+(:[a-z][a-z-]*)?$/.test(http.path)) {
    faults.push(`${rpc}: path ${http.path} is outside the subset (/v1/words/{variable}:verb)`);
  }
  const variables = variablesOf(http.path);
  for (const variable of variables) {
    const field = descriptor.input.fields.find(({ name: field }) => field === variable);
    if (field?.fieldKind !== 'scalar' || field.oneof !== undefined) {
      faults.push(`${rpc}: path variable ${variable} is no single scalar field of ${descriptor.input.name}`);
    }
  }
  if (http.verb === 'POST') return faults;
  for (const field of descriptor.input.fields) {
    if (!variables.includes(field.name) && !fitsQuery(field)) {
      faults.push(`${rpc}: ${field.name} cannot be a query parameter (scalars, enums, timestamps, repeated of these)`);
    }
  }
  return faults;
}

/** Names of the fields in braces. */
function variablesOf(path: string): string[] {
  return [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name ?? '');
}

function fitsQuery(field: DescField): boolean {
  if (field.oneof !== undefined || field.fieldKind === 'map') return false;
  if (field.fieldKind === 'message' || (field.fieldKind === 'list' && field.listKind === 'message')) {
    return field.message.typeName === 'google.protobuf.Timestamp';
  }
  return true;
}

function routeClashes(rpcs: readonly RpcContract[]): string[] {
  const taken = new Map<string, string>();
  const faults: string[] = [];
  for (const { service, name, http } of rpcs) {
    if (http === undefined) continue;
    const route = `${http.verb} ${http.path.replaceAll(/\{[^}]+\}/g, '{}')}`;
    const other = taken.get(route);
    if (other !== undefined) faults.push(`${service}.${name}: ${route} is already the route of ${other}`);
    taken.set(route, `${service}.${name}`);
  }
  return faults;
}

function enumFaults({ registry, files }: Contracts): string[] {
  const faults: string[] = [];
  for (const type of registry) {
    if (type.kind !== 'enum' || !files.includes(type.file)) continue;
    if (type.parent === undefined || type.name !== 'Value') {
      faults.push(`${type.typeName}: an enum is named Value and stands in a message of its own name`);
    }
    if (type.values[0]?.name !== 'UNSPECIFIED') faults.push(`${type.typeName}: its first value is UNSPECIFIED`);
  }
  return faults;
}

function undescribed({ registry, files, comment }: Contracts): string[] {
  const faults: string[] = [];
  const look = (name: string, described: Described) => {
    if (comment(described) === '') faults.push(`${name}: has no comment`);
  };
  for (const type of registry) {
    if (!files.includes(type.file)) continue;
    if (type.kind === 'service') {
      look(type.typeName, type);
      for (const method of type.methods) look(`${type.typeName}.${method.name}`, method);
    } else if (type.kind === 'message') {
      look(type.typeName, type);
      for (const field of type.fields) look(`${type.typeName}.${field.name}`, field);
    } else if (type.kind === 'enum') {
      look(type.typeName, type);
      for (const value of type.values) look(`${type.typeName}.${value.name}`, value);
    }
  }
  return faults;
}
