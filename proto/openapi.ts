import type { Contracts, DescMessage, RpcContract } from '../libs/contracts/src/descriptors.ts';
import { fieldSchemaOf, type JsonSchema, schemaOf } from '../libs/contracts/src/schema.ts';
import { evidencePaths, exportPaths } from './openapi-files.ts';
import { answerHeaders, components, problemAnswers, requestHeaders } from './openapi-parts.ts';
import { feedOperation, inboxStreamOperation } from './openapi-streams.ts';

/** The HTTP face of the contracts as OpenAPI 3.1: from this alone a client can know all it needs. */
export function openapiDocument(contracts: Contracts): object {
  const schemas = new Map<string, JsonSchema>();
  const paths: Record<string, Record<string, object>> = {};
  for (const rpc of contracts.rpcs) {
    if (rpc.http === undefined) continue;
    const path = rpc.http.path.replaceAll(/\{([a-z_]+)\}/g, (_, name: string) => `{${jsonName(name)}}`);
    paths[path] = { ...paths[path], [rpc.http.verb.toLowerCase()]: operation(contracts, rpc, schemas) };
  }
  paths['/v1/inbox:stream'] = { get: inboxStreamOperation };
  Object.assign(
    paths,
    evidencePaths,
    exportPaths(contracts, (rpc) => parameters(contracts, rpc, [])),
  );
  paths['/v1/events'] = { get: feedOperation(contracts.events) };
  return {
    openapi: '3.1.0',
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    info: {
      title: 'Bandeng',
      version: 'v1',
      summary: 'How a city, its communities and its residents run neighbourhoods together',
      description: introduction,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'This gateway' }],
    tags: contracts.services.map(({ name, descriptor }) => ({ name, description: contracts.comment(descriptor) })),
    paths: sorted(paths),
    components: { ...components, schemas: { ...components.schemas, ...sorted(Object.fromEntries(schemas)) } },
  };
}

const introduction = `Every refusal is a problem (RFC 9457): \`type\` names it, \`fields\` name what is wrong with the request.

- **Methods.** What a path does not answer to is refused with 405, and \`Allow\` says what it does.
- **Versions.** What changes has a \`version\`, which is also its ETag. A command with \`If-Match\` is refused with 412 when it
  changed meanwhile.
- **Repeating.** A command with an \`Idempotency-Key\` can be sent again: it takes effect once, and the answer says
  \`Idempotency-Replayed: true\`. The same key with another request is refused with 422.
- **Capacity.** Who holds several postings names the one to act in by \`Acting-As\`.
- **Pages.** Lists answer \`nextPageToken\`; it goes on with the same query for the same caller, for a day.
- **Language.** Notices and exports are in Chinese; \`Accept-Language: en\` gives English. Problems are in English: show people
  words of your own by \`type\`.
- **Limits.** A body has 256 kB at most, a file 10 MB. A token has 6,000 requests a minute, then 429 with \`Retry-After\` (or as
  the installation says).
- **What can be done.** \`allowedActions\` lists the commands that the caller may give now.`;

function operation(contracts: Contracts, rpc: RpcContract, schemas: Map<string, JsonSchema>): object {
  const { http, descriptor, service, name, comment } = rpc;
  if (http === undefined) throw new Error(`${service}.${name} is not reached over HTTP`);
  const variables = [...http.path.matchAll(/\{([a-z_]+)\}/g)].map(([, variable = '']) => variable);
  const creates = http.verb === 'POST' && variables.length === 0 && !http.path.includes(':');
  const versioned = descriptor.output.fields.some((field) => field.name === 'version');
  const facts = { rpc, post: http.verb === 'POST', addressed: variables.length > 0, creates, versioned };
  return {
    operationId: rpc.method,
    tags: [service],
    summary: firstSentence(comment),
    description: accessNote(rpc, comment),
    parameters: [...parameters(contracts, rpc, variables), ...requestHeaders(facts)],
    ...(facts.post ? { requestBody: requestBody(contracts, rpc, variables, schemas) } : {}),
    responses: {
      [creates ? '201' : '200']: {
        description: contracts.comment(descriptor.output),
        headers: answerHeaders(facts),
        content: { 'application/json': { schema: answerSchema(contracts, descriptor.output, schemas) } },
      },
      ...problemAnswers(facts),
    },
    security: rpc.access?.kind === 'public' ? [{}, { bearer: [] }, { oidc: [] }] : [{ bearer: [] }, { oidc: [] }],
  };
}

function accessNote({ access }: RpcContract, comment: string): string {
  switch (access?.kind) {
    case 'public':
      return `${comment}\n\nOpen to anybody.`;
    case 'action':
      return `${comment}\n\nNeeds the right \`${access.action}\`.`;
    default:
      return `${comment}\n\nNeeds a signed-in caller.`;
  }
}

function parameters(contracts: Contracts, { descriptor, http }: RpcContract, variables: string[]): object[] {
  return descriptor.input.fields.flatMap((field) => {
    const inPath = variables.includes(field.name);
    if (!inPath && http?.verb === 'POST') return [];
    const { description, ...schema } = fieldSchemaOf(contracts, field, { form: 'json', rules: true, described: true });
    const required = inPath || contracts.rules(field).required;
    // A variable of a path is never empty, and it takes one segment.
    const shape = inPath && schema.pattern === undefined ? { ...schema, minLength: 1 } : schema;
    return [{ name: field.jsonName, in: inPath ? 'path' : 'query', required, description, schema: shape }];
  });
}

function requestBody(
  contracts: Contracts,
  { descriptor }: RpcContract,
  variables: string[],
  schemas: Map<string, JsonSchema>,
) {
  const { input } = descriptor;
  const whole = schemaOf(contracts, input, {
    form: 'json',
    rules: true,
    described: true,
    reference: (message) => named(contracts, message, 'Input', schemas),
  });
  const inPath = input.fields.filter(({ name }) => variables.includes(name)).map(({ jsonName }) => jsonName);
  const properties = Object.entries(Object(whole.properties)).filter(([property]) => !inPath.includes(property));
  const needed = strings(whole.required).filter((property) => !inPath.includes(property));
  const { required: _, ...rest } = whole;
  const schema = {
    ...rest,
    properties: Object.fromEntries(properties),
    ...(needed.length === 0 ? {} : { required: needed }),
  };
  schemas.set(input.name, schema);
  return {
    description: contracts.comment(input),
    required: needed.length > 0,
    content: { 'application/json': { schema: { $ref: `#/components/schemas/${input.name}` } } },
  };
}

function answerSchema(contracts: Contracts, message: DescMessage, schemas: Map<string, JsonSchema>): JsonSchema {
  return { $ref: named(contracts, message, '', schemas) };
}

/** Puts the schema of a message among the components, once; with its rules when it comes in. */
function named(
  contracts: Contracts,
  message: DescMessage,
  suffix: '' | 'Input',
  schemas: Map<string, JsonSchema>,
): string {
  const name = `${message.name}${suffix}`;
  if (!schemas.has(name)) {
    const rules = suffix === 'Input';
    const reference = (other: DescMessage) => named(contracts, other, suffix, schemas);
    schemas.set(name, schemaOf(contracts, message, { form: 'json', rules, sent: !rules, described: true, reference }));
  }
  return `#/components/schemas/${name}`;
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function sorted<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function firstSentence(comment: string): string {
  const text = comment.replaceAll('\n', ' ');
  return /^.+?[.。](?=\s|$)/.exec(text)?.[0].replace(/\.$/, '') ?? text;
}

function jsonName(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
