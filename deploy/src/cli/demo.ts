import { setTimeout as pause } from 'node:timers/promises';
import { demoClients, demoPassword } from '@bandeng/city';
import { type Answer, type Caller, callerAt, type Heard } from '../api.ts';
import { Mendable } from '../embedded/fault.ts';
import { gatewayAddress, issuerAddress } from '../gateway.ts';
import { signIn, signInSystem } from '../sign-in.ts';
import { type Command, readArguments } from './command.ts';
import { table } from './table.ts';

export const command: Command = {
  usage: 'demo   (through the gateway, as five people and another system)',
  async run(args) {
    readArguments(args, {});
    const [gateway, issuer] = await Promise.all([gatewayAddress(process.env), issuerAddress(process.env)]);
    const as = async (login: string): Promise<Caller> => callerAt(gateway, await signIn(issuer, login, demoPassword));
    const client = demoClients.find(({ scopes }) => scopes.includes('events'));
    const system = callerAt(gateway, await signInSystem(issuer, client?.id ?? '', client?.secret ?? ''));
    console.log(`five people and another system sign in at ${issuer}\n`);
    const people = await Promise.all(
      ['resident', 'community_dispatcher', 'grid_worker', 'member', 'street_officer'].map(as),
    );
    await play(people, system);
    return 0;
  },
};

async function play(people: readonly Caller[], system: Caller): Promise<void> {
  const [resident, dispatcher, worker, member, officer] = people;
  if (!resident || !dispatcher || !worker || !member || !officer) throw new Error('somebody is missing');
  const home = await placeOf(resident);
  const grid = await placeOf(worker);
  const community = home.slice(0, 12);
  const { categories } = done(await resident.get('/v1/categories'));
  const away = await system.listen(`/v1/events?territory=${community}`);
  try {
    const ordered = done(
      await resident.post('/v1/tickets', {
        text: '三单元楼道灯坏了一个星期，老人晚上上下楼不安全。',
        place: '三单元二楼',
        displayName: '陈阿姨',
        territory: home,
        category: categories[0]?.id,
      }),
    );
    const { id } = ordered;
    const step = async (who: string, by: Caller, verb: string, body: object): Promise<void> => {
      const { status } = done(await by.post(`/v1/tickets/${id}:${verb}`, body));
      console.log(`${who.padEnd(22)} :${verb.padEnd(10)} → ${status}`);
    };
    console.log(`${'resident'.padEnd(22)} ${'orders'.padEnd(11)} → ${ordered.status}   ${ordered.number}`);
    await step('community_dispatcher', dispatcher, 'dispatch', { handler: { grid }, note: '请就近看看' });
    await step('grid_worker', worker, 'decline', { reason: '今天在外地培训' });
    await step('community_dispatcher', dispatcher, 'dispatch', { handler: { openCall: community } });
    await step('member', member, 'accept', {});
    await step('member', member, 'note', { text: '明天上午带灯泡来', audience: 'RESIDENT' });
    await step('street_officer', officer, 'note', { text: '这栋楼的线路请一并检查', audience: 'INTERNAL' });
    await step('member', member, 'resolve', { resolution: '已更换楼道灯两盏，晚上试过，亮了。' });
    await step('resident', resident, 'rate', { satisfaction: 'VERY_SATISFIED', remark: '很快，谢谢！' });

    const { entries } = done(await dispatcher.get(`/v1/tickets/${id}/timeline`));
    console.log(
      `\nthe time line, as the dispatcher sees it (the code ${ordered.followCode} opens the resident's view)\n`,
    );
    console.log(table(entries.map(lineOf)));
    const events = await untilHeard(away.heard, id);
    console.log('\nwhat another system heard meanwhile: opaque ids, no words of people\n');
    console.log(
      table(events.map(({ data }) => [data.time, data.sequence, data.type, Object.keys(data.data).join(' ')])),
    );
  } finally {
    await away.close();
  }
}

interface Entry {
  readonly at: string;
  readonly event: string;
  readonly name: string;
  readonly text: string;
}
const lineOf = ({ at, event, name, text }: Entry): string[] => [at, event, name, text];

async function placeOf(caller: Caller): Promise<string> {
  const { capacities } = done(await caller.get('/v1/me'));
  const territory = capacities[0]?.posting?.territory;
  if (!territory) throw new Mendable('this installation has no demo city');
  return territory;
}

/** The body of an answer; a refusal is told with its reason. */
function done({ status, body }: Answer): Answer['body'] {
  if (status < 300) return body;
  throw new Mendable(`the gateway answers ${status}: ${body.title ?? ''} ${body.detail ?? ''} (${body.type ?? body})`);
}

/** The events of the ticket, once its rating was heard; what came until then if it is not within ten seconds. */
async function untilHeard(heard: readonly Heard[], ticket: string): Promise<Heard[]> {
  const mine = (): Heard[] => heard.filter(({ data }) => data.subject === ticket);
  for (let tries = 0; tries < 200; tries++) {
    if (mine().some(({ data }) => data.type === 'bandeng.tickets.ticket-rated.v1')) break;
    await pause(50);
  }
  return mine();
}
