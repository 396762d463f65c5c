import type { Language } from '@bandeng/rpc';
import type { ToldEvent } from './domain/concerned.ts';

/** Whether a word names a language in which notices are written. */
export const isLanguage = (word: string): word is Language => word === 'zh-CN' || word === 'en';

interface Text {
  readonly title: string;
  /** `{number}` stands for the ticket's number. */
  readonly body: string;
}

/** What is told of each step, in both languages. A step without words does not compile. */
const texts: { readonly [E in ToldEvent]: { readonly [L in Language]: Text } } = {
  'bandeng.tickets.ticket-ordered.v1': {
    'zh-CN': { title: '收到新的点单', body: '编号 {number} 的点单已登记，等待社区派单。' },
    en: { title: 'New order', body: 'Order {number} is registered and waits for the community to dispatch it.' },
  },
  'bandeng.tickets.ticket-dispatched.v1': {
    'zh-CN': { title: '社区已派单', body: '编号 {number} 的点单已派出，等待接单。' },
    en: { title: 'Dispatched', body: 'Order {number} was dispatched and waits to be accepted.' },
  },
  'bandeng.tickets.ticket-accepted.v1': {
    'zh-CN': { title: '已接单', body: '编号 {number} 的点单已有人接单，正在办理。' },
    en: { title: 'Accepted', body: 'Order {number} was accepted and is being worked on.' },
  },
  'bandeng.tickets.ticket-declined.v1': {
    'zh-CN': { title: '接单方退回', body: '编号 {number} 的点单被退回，请重新派单。' },
    en: { title: 'Declined', body: 'Order {number} was declined; please dispatch it again.' },
  },
  'bandeng.tickets.ticket-acceptance-lapsed.v1': {
    'zh-CN': { title: '逾期未接单', body: '编号 {number} 的点单逾期无人接单，已退回社区，请重新派单。' },
    en: { title: 'Not accepted in time', body: 'Nobody accepted order {number} in time; please dispatch it again.' },
  },
  'bandeng.tickets.ticket-noted.v1': {
    'zh-CN': { title: '办理进展', body: '编号 {number} 的点单有新的进展说明。' },
    en: { title: 'Progress', body: 'There is a new note on order {number}.' },
  },
  'bandeng.tickets.ticket-suspended.v1': {
    'zh-CN': { title: '暂缓办理', body: '编号 {number} 的点单暂缓办理，原因和恢复日期见详情。' },
    en: { title: 'Suspended', body: 'Order {number} is suspended; the reason and the date are with it.' },
  },
  'bandeng.tickets.ticket-resumed.v1': {
    'zh-CN': { title: '恢复办理', body: '编号 {number} 的点单恢复办理。' },
    en: { title: 'Resumed', body: 'Work on order {number} goes on.' },
  },
  'bandeng.tickets.ticket-deadline-passed.v1': {
    'zh-CN': { title: '超过办理期限', body: '编号 {number} 的点单已超过办理期限，请尽快办理。' },
    en: { title: 'Deadline passed', body: 'The deadline of order {number} has passed.' },
  },
  'bandeng.tickets.ticket-resolved.v1': {
    'zh-CN': { title: '已办结，请评价', body: '编号 {number} 的点单已办结，请评价；七天内未评价将自动关闭。' },
    en: {
      title: 'Resolved, please rate',
      body: 'Order {number} is resolved. Please rate it; without a rating it closes after seven days.',
    },
  },
  'bandeng.tickets.ticket-rated.v1': {
    'zh-CN': { title: '收到评价', body: '编号 {number} 的点单已评价。' },
    en: { title: 'Rated', body: 'Order {number} was rated.' },
  },
  'bandeng.tickets.ticket-reopened.v1': {
    'zh-CN': { title: '重新办理', body: '编号 {number} 的点单因不满意重新办理，并将回访。' },
    en: { title: 'Reopened', body: 'Order {number} was reopened after a bad rating; a follow-up call is due.' },
  },
  'bandeng.tickets.ticket-rejected.v1': {
    'zh-CN': { title: '不予受理', body: '编号 {number} 的点单不予受理，原因见详情。' },
    en: { title: 'Not taken on', body: 'Order {number} was not taken on; the reason is with it.' },
  },
  'bandeng.tickets.ticket-withdrawn.v1': {
    'zh-CN': { title: '已撤回', body: '编号 {number} 的点单已由本人撤回。' },
    en: { title: 'Withdrawn', body: 'Order {number} was taken back by the one who ordered.' },
  },
};

const isTold = (event: string): event is ToldEvent => event in texts;

/** Title and text of a notice in a language. */
export function wording(event: string, number: string, language: Language): Text {
  if (!isTold(event)) throw new TypeError(`no words for ${event}`);
  const { title, body } = texts[event][language];
  return { title, body: body.replace('{number}', number) };
}
