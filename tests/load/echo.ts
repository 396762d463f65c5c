/** An end of the bench of gRPC: `echo.ts ours|bare server|client DIRECTORY`. */
import { createPrivateKey } from 'node:crypto';
import { join } from 'node:path';
import { rpcs, type ServiceName } from '@bandeng/contracts';
import { OrderTicketRequest, Ticket } from '@bandeng/contracts/tickets';
import { implement, type RefusalTable, rawClient, serviceTokens, startServer, verifier } from '@bandeng/rpc';
import { openLogger } from '@bandeng/telemetry';
import { Client, credentials, Metadata, Server, ServerCredentials } from '@grpc/grpc-js';
import { SignJWT } from 'jose';
import { openKeys } from '../../libs/service/src/keys.ts';
import { measuring } from '../../libs/service/src/measuring.ts';
import { beEnd } from './ends.ts';
import { closedLoop } from './loops.ts';

const [kind = '', role = '', directory = ''] = process.argv.slice(2);
const address = `unix:${join(directory, `${kind}.sock`)}`;
const keys = openKeys(join(directory, 'keys'), {});
const issuer = 'http://localhost:8080/oidc';
const path = '/bandeng.tickets.v1.TicketsService/OrderTicket';

const order: OrderTicketRequest = OrderTicketRequest.fromPartial({
  text: '楼道灯坏了三天，晚上老人上下楼很不安全，请尽快派人来修一下。',
  place: '三单元二楼和三楼之间',
  displayName: '王阿姨',
  territory: '459902001001500003',
  category: '城乡建设.城市建设和市政管理.市政设施管理',
});

/** As the tickets service answers an order. */
const ticket: Ticket = Ticket.fromPartial({
  id: '2b0c9c4e-5d7e-8a53-9b2d-2f1f6a1f3c55',
  version: 1,
  number: '459902-20260301-000123',
  status: 'ORDERED',
  urgency: 'ORDINARY',
  source: 'RESIDENT',
  orderer: '0b7f7a3c-9b1f-8a53-9b2d-2f1f6a1f3c55',
  deadlines: { acceptBy: new Date('2026-03-01T10:00:00Z'), resolveBy: new Date('2026-03-05T10:00:00Z') },
  orderedAt: new Date('2026-03-01T08:00:00Z'),
  changedAt: new Date('2026-03-01T08:00:00Z'),
  allowedActions: ['NOTE', 'WITHDRAW', 'ATTACH'],
  followCode: 'ABCDEFGHJKMN',
});
const answerOf = ({ text, place, displayName, territory, category }: OrderTicketRequest): Ticket => ({
  ...ticket,
  ...{ text, place, displayName, territory, category },
});

const same = (bytes: Buffer): Buffer => bytes;
const definition = {
  orderTicket: {
    path,
    ...{ requestStream: false, responseStream: false },
    ...{ requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same },
  },
} as const;

async function serveOurs(): Promise<void> {
  const handlers = rpcs
    .filter(({ service }) => service === 'tickets')
    .map(({ method }) => [method, async (request: OrderTicketRequest) => answerOf(request)]);
  const refusals: RefusalTable<string> = {};
  await startServer({
    address,
    implementations: [implement('tickets', Object.fromEntries(handlers), refusals)],
    verify: verifier({
      ...{ service: 'tickets', issuer, audience: 'bandeng' },
      keySet: async () => ({ keys: [keys.publicKey('issuer')] }),
      serviceKeys: { keys: [keys.publicKey('gateway')] },
    }),
    log: openLogger('tickets'),
    observe: measuring('tickets').observe,
  });
}

async function serveBare(): Promise<void> {
  const answer = Buffer.from(Ticket.encode(answerOf(order)).finish());
  const server = new Server();
  server.addService(definition, {
    orderTicket: (_call: unknown, callback: (_: null, bytes: Buffer) => void) => callback(null, answer),
  });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (fault) =>
      fault === null ? resolve() : reject(fault),
    );
  });
}

/** As the gateway passes an order on. */
async function callOurs(): Promise<() => Promise<boolean>> {
  const orderTicket = rpcs.find((rpc) => rpc.path === path);
  if (orderTicket === undefined) throw new Error(`${path} is not in the contracts`);
  const token = serviceTokens({ service: 'gateway', privateKey: keys.pair('gateway').private });
  const client = rawClient({ address: (_: ServiceName) => address, token });
  const key = keys.pair('issuer');
  const authorization = `Bearer ${await new SignJWT({ client_id: 'web', scope: 'openid' })
    .setProtectedHeader({ alg: 'EdDSA', kid: key.kid, typ: 'at+jwt' })
    .setIssuer(issuer)
    .setSubject(ticket.orderer)
    .setAudience('bandeng')
    .setExpirationTime('1h')
    .sign(createPrivateKey({ key: { ...key.private }, format: 'jwk' }))}`;
  return async () => {
    const headers = { authorization, acceptLanguage: 'zh-CN', idempotencyKey: crypto.randomUUID() };
    const { message } = await client.call(orderTicket, order, { headers, timeoutMs: 5_000 });
    return (message as Ticket).text === order.text;
  };
}

function callBare(): () => Promise<boolean> {
  const bytes = Buffer.from(OrderTicketRequest.encode(order).finish());
  const client = new Client(address, credentials.createInsecure());
  return () =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, same, same, bytes, new Metadata(), (fault, answer) => {
        if (fault === null) resolve(answer !== undefined);
        else reject(fault);
      });
    });
}

if (role === 'server') {
  await (kind === 'ours' ? serveOurs() : serveBare());
  beEnd(0, async () => 0);
} else {
  const call = await (kind === 'ours' ? callOurs() : callBare());
  beEnd(0, (milliseconds) => closedLoop(milliseconds, call));
}
