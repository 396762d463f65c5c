import type { Language } from '@bandeng/rpc';
import type { Delivery } from './domain/delivery.ts';
import { wording } from './words.ts';

/** What a letter says, without its address. */
export interface Contents {
  readonly subject: string;
  readonly text: string;
}

const frame: {
  readonly [L in Language]: { subject(title: string): string; several(count: number): string; foot: string };
} = {
  'zh-CN': {
    subject: (title) => `【板凳】${title}`,
    several: (count) => `${count} 条通知`,
    foot: '详情请登录板凳查看。此邮件由系统自动发送，请勿回复；接收方式可在“通知设置”中更改。',
  },
  en: {
    subject: (title) => `[Bandeng] ${title}`,
    several: (count) => `${count} notices`,
    foot: 'Sign in to Bandeng for more. This mail was sent by a machine, please do not answer; change how you are told under “notices”.',
  },
};

/** The letter that tells of these deliveries, oldest first: titles, numbers and times, and nothing that a person wrote. */
export function contentsOf(told: readonly Delivery[], language: Language): Contents {
  const { subject, several, foot } = frame[language];
  const lines = told
    .toSorted((one, other) => one.postedAt.localeCompare(other.postedAt))
    .map(({ event, number, postedAt }) => ({ ...wording(event, number, language), number, at: clock(postedAt) }));
  const [first] = lines;
  if (first === undefined) throw new TypeError('a letter tells of something');
  if (lines.length === 1)
    return { subject: subject(`${first.title} ${first.number}`), text: `${first.body}\n\n${foot}\n` };
  const text = lines.map(({ at, title, body }) => `${at}  ${title}\n${body}`).join('\n\n');
  return { subject: subject(several(lines.length)), text: `${text}\n\n${foot}\n` };
}

const china = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'Asia/Shanghai',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
});
const clock = (at: string): string => china.format(new Date(at));
