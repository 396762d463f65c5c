import type { EventContract } from '../libs/contracts/src/descriptors.ts';
import { problems } from './openapi-parts.ts';

/** Server-sent events are no request and answer, so these two routes are in no proto and are described by hand. */

const stream = (description: string, schema: object) => ({
  description,
  headers: { 'Cache-Control': { description: 'Never stored.', schema: { type: 'string' } } },
  content: { 'text/event-stream': { schema } },
});

const security = [{ bearer: [] }, { oidc: [] }];
const common = [{ $ref: '#/components/parameters/LastEventId' }, { $ref: '#/components/parameters/AcceptLanguage' }];

/** `GET /v1/inbox:stream` */
export const inboxStreamOperation = {
  operationId: 'streamInbox',
  tags: ['notifications'],
  summary: "The caller's notices as they are posted",
  description: `Server-sent events named \`notice-posted\`, each with a notice as \`GET /v1/inbox/{id}\` answers it. The id of an event is
a place in the inbox: sent back in \`Last-Event-ID\`, the stream goes on after it, with the newest 500 that were missed at most.
Without it the stream begins where its first \`id\`, which comes without an event, says: read the inbox after that.
Comments keep the connection open; it ends when the token expires.

Needs a signed-in person.`,
  parameters: common,
  responses: {
    '200': stream('Notices as they are posted.', {
      type: 'string',
      description: 'Events whose `data` is a Notice.',
      contentMediaType: 'application/json',
      contentSchema: { $ref: '#/components/schemas/Notice' },
    }),
    ...problems(['400', '401', '403', '408', '429', '431', '500', '503']),
  },
  security,
};

/** `GET /v1/events` */
export function feedOperation(events: readonly EventContract[]): object {
  return {
    operationId: 'streamEvents',
    tags: ['events'],
    summary: 'What happens in a territory, for other systems',
    description: `Server-sent events named by their type, each with a CloudEvent (structured JSON) of \`proto/schemas\`. The id of an event is
its position: sent back in \`Last-Event-ID\`, the stream goes on after it; 410 when those events are no longer kept. Ask with the
same \`types\` and \`territory\` as before: a stream that the position does not name is told from its beginning.

Refused: \`events-gone\`.

Needs a system whose token has the scope \`events\`; it hears what happens within its territory.`,
    parameters: [
      {
        name: 'types',
        in: 'query',
        description: `Names or types of events, joined by commas; left out all:\n\n${events
          .map(({ name, comment }) => `- \`${name}\`: ${comment.replaceAll('\n', ' ')}`)
          .join('\n')}`,
        schema: { type: 'string', maxLength: 2000 },
        example: 'ticket-ordered,ticket-rated',
      },
      {
        name: 'territory',
        in: 'query',
        description: "Code of a territory within that of the system; left out the system's own.",
        schema: { type: 'string', pattern: '^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12}|[0-9]{15}|[0-9]{18})$' },
      },
      ...common,
    ],
    responses: {
      '200': stream('CloudEvents as they are published.', {
        type: 'string',
        description: 'Events whose `data` is a CloudEvent 1.0 as structured JSON.',
        contentMediaType: 'application/cloudevents+json',
      }),
      ...problems(['400', '401', '403', '408', '410', '429', '431', '500', '503']),
    },
    security,
  };
}
