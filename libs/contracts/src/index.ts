/** The contracts in code: services, RPCs, public events and their types, all generated from `proto/`. */
import { readFileSync } from 'node:fs';
import type { RpcOf } from './catalogue.ts';
import { type Contracts, readContracts } from './descriptors.ts';
import { type Action, type EventData, type EventName, rpcs as everyRpc, type ServiceName } from './gen/catalogue.ts';

import { type JsonSchema, type SchemaOptions, schemaOf } from './schema.ts';

export { bytesOf } from './bytes.ts';
export type { Codec, Service } from './catalogue.ts';
export type { AccessRule, Contracts, EventContract, FieldRules, HttpBinding, RpcContract } from './descriptors.ts';
export {
  type Action,
  actions,
  type EventData,
  type EventName,
  events,
  type ServiceName,
  services,
} from './gen/catalogue.ts';
export { isPaged, leavesAsTable, withoutTable } from './lists.ts';

/** An RPC of the contracts. */
export type Rpc = RpcOf<ServiceName, Action>;

/** Every RPC, in the order of the contracts. */
export const rpcs: readonly Rpc[] = everyRpc;

/** Full name of an RPC: `tickets.OrderTicket`. */
export type RpcName = { [R in (typeof everyRpc)[number] as `${R['service']}.${R['name']}`]: R } extends infer T
  ? keyof T
  : never;

/** CloudEvents type of a public event: `bandeng.tickets.ticket-ordered.v1`. */
export type EventType = keyof EventData;

/** What the `data` of an event of that type holds. */
export type DataOf<Type extends EventType> = EventData[Type];

/** CloudEvents type of a public event, by its name. */
export type EventTypeOf<Name extends EventName> = typeof import('./gen/catalogue.ts').events[Name]['type'];

let set: Uint8Array | undefined;
let read: Contracts | undefined;

/** The contracts as a serialized `google.protobuf.FileDescriptorSet` with source info. */
export function descriptorSet(): Uint8Array {
  set ??= readFileSync(new URL('./gen/descriptors.binpb', import.meta.url));
  return set;
}

/** The contracts as data, read from the descriptor set when first asked for (some 10 ms). */
export function descriptors(): Contracts {
  read ??= readContracts(descriptorSet());
  return read;
}

const schemas = new Map<string, JsonSchema>();

/** JSON Schema of a message by its full name, for example `bandeng.tickets.v1.OrderTicketRequest`; made once for each form. */
export function messageSchema(type: string, options: Pick<SchemaOptions, 'form' | 'rules' | 'sent'>): JsonSchema {
  const key = `${type} ${options.form} ${options.rules} ${options.sent === true}`;
  const found = schemas.get(key);
  if (found !== undefined) return found;
  const message = descriptors().registry.getMessage(type);
  if (message === undefined) throw new Error(`the contracts have no message ${type}`);
  const schema = schemaOf(descriptors(), message, options);
  schemas.set(key, schema);
  return schema;
}
