import type { CloudEvent } from '@bandeng/events';
import { visit } from '@bandeng/service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reactions } from '../src/reactions.ts';
import { openTickets } from '../src/records.ts';
import { community, fresh, openCall, order, startTown } from './town.ts';

/** What tickets hold of a person, and that it goes when the person is erased. */

let town: Awaited<ReturnType<typeof startTown>>;
let id: string;
let other: string;
const pdf = Buffer.from('%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n');

beforeAll(async () => {
  town = await startTown();
  id = await town.ordered();
  await town.as('wang', 'DispatchTicket', { id, ...openCall, note: '就近的来' });
  await town.as('zhao', 'AcceptTicket', { id });
  await town.as('zhao', 'NoteTicket', { id, text: '梅阿姨说晚上来', audience: 'INTERNAL' });
  await town.as('mei', 'AddEvidence', { id, content: pdf });
  await town.as('wang', 'AddEvidence', { id, content: pdf });
  await town.as('zhao', 'ResolveTicket', { id, resolution: '换了灯泡' });
  await town.as('mei', 'RateTicket', { id, satisfaction: 'SATISFIED', remark: '谢谢小赵' });
  const { body } = await town.as('li', 'OrderTicket', { ...order, text: '别人的事' }, fresh());
  other = body.id;
  await town.as('twice', 'AddEvidence', { id: other, content: pdf }, { actingAs: 'posting-9' });
});
afterAll(async () => town?.stop());

const personal = async (person: string, pageToken = '') =>
  (await town.as('mei', 'ListPersonalTickets', { person, pageToken })).body;

/** What the service does with the event, as it would from the bus. */
async function erased(person: string): Promise<number> {
  return visit('tickets', town.environment, async ({ records, log }) => {
    const { tickets } = await openTickets(records);
    const [reaction] = reactions({ tickets, files: { eraseOf: async () => 0 }, house: { now: () => new Date() } });
    const event: CloudEvent = {
      specversion: '1.0',
      id: `${person}:2`,
      source: '/bandeng/identity',
      type: 'bandeng.identity.account-erased.v1',
      subject: person,
      time: new Date().toISOString(),
      datacontenttype: 'application/json',
      dataschema: '',
      data: { person },
      sequence: '2',
      sequencetype: 'Integer',
      territory: '4599',
    };
    const actor = { system: 'tickets' };
    const found = await reaction?.react(event, { service: 'tickets', actor, log });
    if (found === undefined || 'skipped' in found) return 0;
    for (const { run, target } of found) {
      const command = `event:${event.id}:erase-words:${target}`;
      await run(command, { id: command, at: new Date(Date.now() + 1e10).toISOString(), actor });
    }
    return found.length;
  });
}

describe('what tickets hold of a person', () => {
  it('is what they ordered and what they wrote, and nothing of others', async () => {
    expect(await personal('mei')).toMatchObject({
      tickets: [
        {
          id,
          ordered: true,
          status: 'RATED',
          words: [
            { word: 'text', text: order.text },
            { word: 'place', text: order.place },
            { word: 'display-name', text: order.displayName },
            { text: '谢谢小赵' },
          ],
        },
      ],
    });
    expect((await personal('mei')).tickets[0].evidence).toMatchObject([{ kind: 'DOCUMENT', size: pdf.length }]);
    // Who only added a file wrote nothing.
    expect((await personal('twice')).tickets).toMatchObject([
      { id: other, words: [], evidence: [{ person: 'twice' }] },
    ]);
    const zhao = await personal('zhao');
    expect(zhao.tickets).toMatchObject([{ id, words: [{ text: '梅阿姨说晚上来' }, { text: '换了灯泡' }] }]);
    expect(zhao.tickets[0].ordered ?? false).toBe(false);
    expect((await personal('nobody')).tickets).toEqual([]);
  });

  it('goes with the person: words, display name and search keys, while the case keeps its history', async () => {
    const found = async (words: string) =>
      (await town.as('wang', 'ListTickets', { words, territory: community })).body.tickets.map(
        (ticket: { id: string }) => ticket.id,
      );
    expect(await found('路灯')).toEqual([id]);
    const before = (await town.as('wang', 'GetTicketTimeline', { id })).body.entries;
    expect(await erased('mei')).toBe(1);
    expect(await erased('mei')).toBe(0);

    expect(await found('路灯')).toEqual([]);
    const { body } = await town.as('wang', 'GetTicket', { id });
    expect(body).toMatchObject({ id, status: 'RATED', text: '', place: '', displayName: '', resolution: '换了灯泡' });
    expect(body).toMatchObject({ rating: 'SATISFIED', ratingRemark: '' });
    const after = (await town.as('wang', 'GetTicketTimeline', { id })).body.entries;
    const events = (entries: { event: string }[]) => entries.map(({ event }) => event);
    expect(events(after)).toEqual([...events(before), 'words-erased']);
    const texts = after.map(({ text }: { text?: string }) => text ?? '').filter((text: string) => text !== '');
    expect(texts).toEqual(['就近的来', '梅阿姨说晚上来', '换了灯泡']);
    const left = (await personal('mei')).tickets.flatMap(({ words }: { words: object[] }) => words);
    expect(left).toEqual([]);
  });
});
