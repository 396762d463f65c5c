/**
 * The contracts as data: RPCs with their access and HTTP binding, events, field rules and comments, read from a descriptor
 * set with source info. Adapter over `@bufbuild/protobuf`: options of ours are extensions that have no generated type here.
 */
import {
  createFileRegistry,
  type DescEnum,
  type DescEnumValue,
  type DescExtension,
  type DescField,
  type DescFile,
  type DescMessage,
  type DescMethod,
  type DescService,
  type FileRegistry,
  fromBinary,
  getOption,
  hasOption,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

/** Kinds of descriptors, for those who read contracts. */
export type { DescField, DescFile, DescMessage };

/** Who may call an RPC, as its access option says. */
export interface AccessRule {
  readonly kind: 'public' | 'signed-in' | 'action' | 'internal';
  /** Set with kind `action` only. */
  readonly action?: string;
}

/** How an RPC is reached over HTTP: variables in braces take one segment, a POST takes the rest as its body. */
export interface HttpBinding {
  readonly verb: 'GET' | 'POST';
  readonly path: string;
}

/** What a field may hold, as its rules option says. */
export interface FieldRules {
  readonly required: boolean;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
}

/** An RPC as its contract describes it. */
export interface RpcContract {
  /** Short name of the service: `tickets`. */
  readonly service: string;
  readonly name: string;
  /** Name of its function in clients and handlers: `orderTicket`. */
  readonly method: string;
  /** gRPC path: `/bandeng.tickets.v1.TicketsService/OrderTicket`. */
  readonly path: string;
  readonly access: AccessRule | undefined;
  readonly http: HttpBinding | undefined;
  readonly comment: string;
  readonly descriptor: DescMethod;
}

/** A public event: the message is the `data` of its CloudEvent. */
export interface EventContract {
  readonly service: string;
  /** `ticket-ordered` */
  readonly name: string;
  /** `bandeng.tickets.ticket-ordered.v1` */
  readonly type: string;
  readonly comment: string;
  readonly descriptor: DescMessage;
}

/** Anything in a contract that carries a comment. */
export type Described = DescService | DescMethod | DescMessage | DescField | DescEnum | DescEnumValue;

/** The whole of the contracts. */
export interface Contracts {
  readonly registry: FileRegistry;
  /** Files of ours, without what they import from elsewhere. */
  readonly files: readonly DescFile[];
  readonly services: readonly { readonly name: string; readonly descriptor: DescService }[];
  readonly rpcs: readonly RpcContract[];
  readonly events: readonly EventContract[];
  rules(field: DescField): FieldRules;
  /** The comment above it, or behind it on the same line; empty when there is none. */
  comment(described: Described): string;
}

/** Reads a `google.protobuf.FileDescriptorSet` that was built with source info. */
export function readContracts(descriptorSet: Uint8Array): Contracts {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorSet));
  const extension = (name: string): DescExtension => {
    const found = registry.getExtension(name);
    if (found === undefined) throw new Error(`the descriptor set has no option ${name}`);
    return found;
  };
  const accessOption = extension('bandeng.options.v1.access');
  const httpOption = extension('google.api.http');
  const rulesOption = extension('bandeng.options.v1.rules');
  const files = [...registry.files].filter((file) => file.proto.package.startsWith('bandeng.'));
  files.sort((a, b) => (a.name < b.name ? -1 : 1));
  const comments = new Map(files.map((file) => [file.name, commentsOf(file)]));
  const comment = (described: Described): string =>
    comments.get(fileOf(described).name)?.get(placeOf(described).join('.')) ?? '';
  const services = files.flatMap((file) => file.services.map((descriptor) => ({ name: shortName(file), descriptor })));
  const rpcs = services.flatMap(({ name: service, descriptor }) =>
    descriptor.methods.map((method) => ({
      service,
      name: method.name,
      method: method.localName,
      path: `/${descriptor.typeName}/${method.name}`,
      access: hasOption(method, accessOption) ? accessRule(getOption(method, accessOption)) : undefined,
      http: hasOption(method, httpOption) ? httpBinding(method, getOption(method, httpOption)) : undefined,
      comment: comment(method),
      descriptor: method,
    })),
  );
  const events = files
    .filter((file) => file.name.endsWith('/events'))
    .flatMap((file) =>
      file.messages.map((descriptor) => {
        const name = kebab(descriptor.name);
        const service = shortName(file);
        return { service, name, type: `bandeng.${service}.${name}.v1`, comment: comment(descriptor), descriptor };
      }),
    );
  const known = new Map<DescField, FieldRules>();
  const rules = (field: DescField): FieldRules => {
    const found = known.get(field) ?? fieldRules(hasOption(field, rulesOption) ? getOption(field, rulesOption) : {});
    known.set(field, found);
    return found;
  };
  return { registry, files, services, rpcs, events, rules, comment };
}

function shortName(file: DescFile): string {
  return file.proto.package.split('.')[1] ?? '';
}

function kebab(name: string): string {
  return name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase();
}

/** Shape of an option message of ours, as the registry reads it. */
interface OneOf {
  readonly case?: string;
  readonly value?: unknown;
}

function accessRule(option: unknown): AccessRule | undefined {
  const { rule } = option as { rule: OneOf };
  if (rule.case === 'action') return { kind: 'action', action: String(rule.value) };
  if (rule.value !== true) return undefined;
  if (rule.case === 'public' || rule.case === 'internal') return { kind: rule.case };
  return rule.case === 'signedIn' ? { kind: 'signed-in' } : undefined;
}

function httpBinding(method: DescMethod, option: unknown): HttpBinding {
  const { pattern, body, responseBody, additionalBindings } = option as {
    pattern: OneOf;
    body?: string;
    responseBody?: string;
    additionalBindings?: readonly unknown[];
  };
  const outside = (why: string) => new Error(`${method.parent.typeName}.${method.name}: HTTP binding ${why}`);
  if (pattern.case !== 'get' && pattern.case !== 'post') throw outside('is neither get nor post');
  if (additionalBindings !== undefined && additionalBindings.length > 0) throw outside('has additional bindings');
  if (responseBody) throw outside('has a response body');
  if (pattern.case === 'get' && body) throw outside('is a get with a body');
  if (pattern.case === 'post' && body !== '*') throw outside("is a post whose body is not '*'");
  return { verb: pattern.case === 'get' ? 'GET' : 'POST', path: String(pattern.value) };
}

const numbers = ['minLength', 'maxLength', 'minimum', 'maximum', 'maxItems'] as const;

function fieldRules(option: unknown): FieldRules {
  const given = option as Record<string, unknown>;
  const rules: { -readonly [K in keyof FieldRules]: FieldRules[K] } = { required: given.required === true };
  for (const name of numbers) {
    const value = given[name];
    if (typeof value === 'number') rules[name] = value;
  }
  if (typeof given.pattern === 'string') rules.pattern = given.pattern;
  return rules;
}

function commentsOf(file: DescFile): Map<string, string> {
  const found = new Map<string, string>();
  for (const { path, leadingComments, trailingComments } of file.proto.sourceCodeInfo?.location ?? []) {
    const text = `${leadingComments}${trailingComments}`
      .split('\n')
      .map((line) => line.trim())
      .join('\n')
      .trim();
    if (text !== '') found.set(path.join('.'), text);
  }
  return found;
}

function fileOf(described: Described): DescFile {
  if (described.kind === 'field' || described.kind === 'enum_value' || described.kind === 'rpc') {
    return described.parent.file;
  }
  return described.file;
}

/** Where it stands in its file, as numbers of fields and indexes of `google.protobuf.FileDescriptorProto`. */
function placeOf(described: Described): number[] {
  switch (described.kind) {
    case 'service':
      return [6, described.file.services.indexOf(described)];
    case 'rpc':
      return [...placeOf(described.parent), 2, described.parent.methods.indexOf(described)];
    case 'message':
      return described.parent === undefined
        ? [4, described.file.proto.messageType.indexOf(described.proto)]
        : [...placeOf(described.parent), 3, described.parent.proto.nestedType.indexOf(described.proto)];
    case 'field':
      return [...placeOf(described.parent), 2, described.parent.proto.field.indexOf(described.proto)];
    case 'enum':
      return described.parent === undefined
        ? [5, described.file.proto.enumType.indexOf(described.proto)]
        : [...placeOf(described.parent), 4, described.parent.proto.enumType.indexOf(described.proto)];
    case 'enum_value':
      return [...placeOf(described.parent), 2, described.parent.values.indexOf(described)];
  }
}
