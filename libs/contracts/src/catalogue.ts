import type { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { AccessRule, HttpBinding } from './descriptors.ts';

/** Turns messages of one type into bytes and proto JSON and back. `fromJSON` is no validator. */
export interface Codec<Message = unknown> {
  encode(message: Message, writer?: BinaryWriter): BinaryWriter;
  decode(bytes: Uint8Array): Message;
  fromJSON(object: unknown): Message;
  toJSON(message: Message): unknown;
  fromPartial(object: object): Message;
}

/** A service of the contracts; its definition and client are those of grpc-js, typed in the generated catalogue. */
export interface Service {
  readonly definition: object;
  readonly client: object;
  /** `bandeng.tickets.v1.TicketsService` */
  readonly fullName: string;
}

/** An RPC of the contracts, over the names of services and actions that there are. */
export interface RpcOf<ServiceName extends string, Action extends string> {
  /** Short name of its service: `tickets`. */
  readonly service: ServiceName;
  readonly name: string;
  /** Name of its function in clients and handlers: `orderTicket`. */
  readonly method: string;
  /** gRPC path: `/bandeng.tickets.v1.TicketsService/OrderTicket`. */
  readonly path: string;
  /** Left out for internal RPCs. */
  readonly http?: HttpBinding;
  readonly access:
    | { readonly kind: Exclude<AccessRule['kind'], 'action'> }
    | { readonly kind: 'action'; readonly action: Action };
  readonly request: Codec;
  readonly response: Codec;
  /** Full names of the messages, for schemas. */
  readonly requestType: string;
  readonly responseType: string;
  readonly comment: string;
}
