import type { Contracts, RpcContract } from '../libs/contracts/src/descriptors.ts';
import { leavesAsTable } from '../libs/contracts/src/lists.ts';
import { problems } from './openapi-parts.ts';

/** Files are no JSON, so the routes that take and give them are in no proto and are described by hand. */

const security = [{ bearer: [] }, { oidc: [] }];
const open = [{}, ...security];
const parameter = (name: string) => ({ $ref: `#/components/parameters/${name}` });
const header = (name: string) => ({ $ref: `#/components/headers/${name}` });
const inPath = (name: string, description: string, maxLength: number) => ({
  name,
  in: 'path',
  required: true,
  description,
  schema: { type: 'string', minLength: 1, maxLength },
});

const ticketId = inPath('id', 'Id of the ticket.', 64);
const followCode = inPath('code', 'The follow code of the ticket.', 20);
const fileId = inPath('file', 'Id of the file.', 64);

const upload = {
  description: 'A form with the file in a part named `file`.',
  required: true,
  content: {
    'multipart/form-data': {
      schema: {
        type: 'object',
        properties: {
          file: {
            type: 'string',
            contentMediaType: 'application/octet-stream',
            description:
              'A JPEG, PNG or WebP photo, or a PDF, Word or Excel document, at most 10 MB. What it is, is seen by its bytes; its name does not count and is not kept.',
          },
        },
        required: ['file'],
        additionalProperties: false,
      },
    },
  },
};

const refusals = ['400', '401', '403', '404', '408', '409', '412', '413', '414', '415', '422', '429', '431', '500'];
const away = ['503', '504'];

function added(message: string): object {
  return {
    '201': {
      description: 'The ticket with its new file; `Location` is where the file is found.',
      headers: {
        ETag: header('ETag'),
        Location: header('Location'),
        'Idempotency-Replayed': header('IdempotencyReplayed'),
      },
      content: { 'application/json': { schema: { $ref: `#/components/schemas/${message}` } } },
    },
    ...problems([...refusals, ...away]),
  };
}

const refused =
  'Refused: `not-in-this-state`, `file-type-not-taken`, `photo-unreadable`, `photo-too-large`, `file-too-large`, `too-much-evidence`.';
const about = `A photo is turned upright, made at most 2,560 pixels on a side, and freed of everything that the camera wrote beside it, such as where
it was taken. A ticket has 20 files at most.`;

const fetched = {
  '200': {
    description: 'The file.',
    headers: {
      'Content-Disposition': {
        description: '`inline` for a photo, `attachment` for a document.',
        schema: { type: 'string' },
      },
    },
    content: {
      'image/jpeg': { schema: { type: 'string', contentMediaType: 'image/jpeg' } },
      'application/pdf': { schema: { type: 'string', contentMediaType: 'application/pdf' } },
      'application/vnd.openxmlformats-officedocument.wordprocessingml.document': { schema: { type: 'string' } },
      'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': { schema: { type: 'string' } },
    },
  },
  ...problems(['400', '401', '404', '408', '414', '429', '431', '500', ...away]),
};
const size = {
  name: 'size',
  in: 'query',
  required: false,
  description: 'A photo in small has at most 320 pixels on a side; left out it comes whole.',
  schema: { type: 'string', enum: ['whole', 'small'] },
};
const commandHeaders = [parameter('IdempotencyKey'), parameter('IfMatch'), parameter('AcceptLanguage')];

/** The routes of photos and documents, by path. */
export const evidencePaths: Record<string, Record<string, object>> = {
  '/v1/tickets/{id}/evidence': {
    post: {
      operationId: 'addEvidence',
      tags: ['tickets'],
      summary: 'Adds a photo or a document to a ticket',
      description: `${about}\n\n${refused}\n\nNeeds the right \`tickets.attach\`.`,
      parameters: [ticketId, parameter('ActingAs'), ...commandHeaders],
      requestBody: upload,
      responses: added('Ticket'),
      security,
    },
  },
  '/v1/tickets/{id}/evidence/{file}': {
    get: {
      operationId: 'getEvidence',
      tags: ['tickets'],
      summary: 'A photo or a document of a ticket',
      description: 'Not found also when the caller may not see the ticket.\n\nNeeds the right `tickets.read`.',
      parameters: [ticketId, fileId, size, parameter('ActingAs'), parameter('AcceptLanguage')],
      responses: fetched,
      security,
    },
  },
  '/v1/follow/{code}/evidence': {
    post: {
      operationId: 'addFollowedEvidence',
      tags: ['tickets'],
      summary: 'Adds a photo or a document without an account',
      description: `${about}\n\n${refused}\n\nOpen to anybody who has the follow code.`,
      parameters: [followCode, ...commandHeaders],
      requestBody: upload,
      responses: added('FollowedTicket'),
      security: open,
    },
  },
  '/v1/follow/{code}/evidence/{file}': {
    get: {
      operationId: 'getFollowedEvidence',
      tags: ['tickets'],
      summary: 'A photo or a document by the follow code',
      description: 'Open to anybody who has the follow code.',
      parameters: [followCode, fileId, size, parameter('AcceptLanguage')],
      responses: fetched,
      security: open,
    },
  },
};

const mediaTypes = {
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  csv: 'text/csv',
} as const;

/** The routes by which lists leave as Excel and CSV, by path; their parameters are those of the list without its pages. */
export function exportPaths(
  contracts: Contracts,
  parametersOf: (rpc: RpcContract) => object[],
): Record<string, { get: object }> {
  const lists = contracts.rpcs.filter(leavesAsTable);
  const routes = lists.flatMap((rpc) =>
    (['xlsx', 'csv'] as const).map(
      (form) => [`${rpc.http?.path}.${form}`, { get: exportOperation(rpc, form) }] as const,
    ),
  );
  return Object.fromEntries(routes);

  function exportOperation(rpc: RpcContract, form: keyof typeof mediaTypes): object {
    const open = rpc.access?.kind === 'public';
    const isOfPages = (one: object) => ['pageSize', 'pageToken'].includes(String(Reflect.get(one, 'name')));
    return {
      operationId: `${rpc.method}As${form === 'csv' ? 'Csv' : 'Excel'}`,
      tags: [rpc.service],
      summary: `The same list as ${form === 'csv' ? 'CSV' : 'an Excel workbook'}`,
      description: `All pages of it in one file, with the names of columns and values in the language of \`Accept-Language\`, and instants in China's time.
At most 50,000 rows (or as the installation says); a last line says so when there would be more.${
        form === 'csv'
          ? ` UTF-8 with a BOM; what a spreadsheet would take for a formula has an apostrophe before it.
Codes stand in it whole, but Excel keeps 15 digits of a number when it opens CSV, and the code of a building has 18: the workbook keeps them.`
          : ''
      }\n\n${whoMay(rpc)}`,
      parameters: [
        ...parametersOf(rpc).filter((one) => !isOfPages(one)),
        ...(open ? [] : [parameter('ActingAs')]),
        parameter('AcceptLanguage'),
      ],
      responses: {
        '200': {
          description: 'The file.',
          headers: { 'Content-Disposition': { description: 'Its name.', schema: { type: 'string' } } },
          content: { [mediaTypes[form]]: { schema: { type: 'string', contentMediaType: mediaTypes[form] } } },
        },
        ...problems(['400', '401', ...(open ? [] : ['403']), '408', '429', '431', '500', ...away]),
      },
      security: open ? [{}, ...security] : security,
    };
  }
}

function whoMay({ access }: RpcContract): string {
  switch (access?.kind) {
    case 'public':
      return 'Open to anybody.';
    case 'action':
      return `Needs the right \`${access.action}\`.`;
    default:
      return 'Needs a signed-in caller.';
  }
}
