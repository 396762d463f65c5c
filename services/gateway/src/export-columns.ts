/** The lists that leave as a table, and what stands in their columns. */
import type { Client, ContactReading } from '@bandeng/contracts/identity';
import type { Delivery, FailedDelivery, Notice } from '@bandeng/contracts/notifications';
import type { Posting, Territory, Unit } from '@bandeng/contracts/orggraph';
import type { Category, Handler, Ticket } from '@bandeng/contracts/tickets';
import {
  deliveryReasons,
  deliveryStatuses,
  noticeChannels,
  noticeKinds,
  rejections,
  roleNames,
  satisfactions,
  sources,
  statuses,
  territoryKinds,
  unitKinds,
  urgencies,
  type Words,
  wordsFor,
  yesOrNo,
} from './export-words.ts';

/** What stands in a cell: text, a number, an instant, or words of ours in both languages. */
export type Cell = string | number | Date | Words | undefined;

/** Names of what items only name by code or id. */
export interface Names {
  territory(code: string): string;
  unit(id: string): string;
}

interface Column<Item> {
  readonly title: Words;
  /** About how many characters wide. */
  readonly width: number;
  cell(item: Item, names: Names): Cell;
}

/** A list with its columns; the types of its items end at `cells`. */
export interface Table {
  /** RPC that answers it page by page. */
  readonly rpc: { readonly service: string; readonly name: string };
  /** Where it stands in the answer. */
  readonly field: string;
  readonly title: Words;
  readonly pageSize: number;
  readonly columns: readonly { readonly title: Words; readonly width: number }[];
  cells(item: object, names: Names): Cell[];
  /** Codes and ids whose names its columns say. */
  named(item: object): { readonly territories: readonly string[]; readonly units: readonly string[] };
}

function table<Item extends object>(
  about: Pick<Table, 'rpc' | 'field' | 'title' | 'pageSize'>,
  columns: readonly Column<Item>[],
  named: (item: Item) => { territories?: string[]; units?: string[] },
): Table {
  return {
    ...about,
    columns,
    // The answer of the RPC is decoded by its codec, so its items are what the columns were written for.
    cells: (item, names) => columns.map(({ cell }) => cell(item as Item, names)),
    named: (item) => ({ territories: [], units: [], ...named(item as Item) }),
  };
}

const yes = (value: boolean): Words => yesOrNo[value ? 'true' : 'false'];

/** Who has it, by name where it has one. */
function handlerOf(handler: Handler | undefined, names: Names): Cell {
  const choice = handler?.handler;
  switch (choice?.$case) {
    case 'unit':
      return names.unit(choice.value) || choice.value;
    case 'grid':
      return names.territory(choice.value) || choice.value;
    case 'openCall':
      return ['公开征集', 'open call'];
    case 'person':
      return ['个人', 'a person'];
    case undefined:
      return undefined;
  }
}

const tickets = table<Ticket>(
  { rpc: { service: 'tickets', name: 'ListTickets' }, field: 'tickets', title: ['工单', 'Tickets'], pageSize: 100 },
  [
    { title: ['编号', 'Number'], width: 24, cell: ({ number }) => number },
    { title: ['状态', 'Status'], width: 14, cell: ({ status }) => wordsFor(statuses, status) },
    { title: ['下单时间', 'Ordered at'], width: 17, cell: ({ orderedAt }) => orderedAt },
    { title: ['属地', 'Territory'], width: 24, cell: ({ territory }, names) => names.territory(territory) },
    { title: ['属地代码', 'Territory code'], width: 20, cell: ({ territory }) => territory },
    { title: ['类别', 'Category'], width: 32, cell: ({ category }) => category },
    { title: ['紧急程度', 'Urgency'], width: 9, cell: ({ urgency }) => wordsFor(urgencies, urgency) },
    { title: ['内容', 'Text'], width: 60, cell: ({ text }) => text },
    { title: ['地点', 'Place'], width: 20, cell: ({ place }) => place },
    { title: ['称呼', 'Display name'], width: 12, cell: ({ displayName }) => displayName },
    { title: ['来源', 'Source'], width: 12, cell: ({ source }) => wordsFor(sources, source) },
    { title: ['承办', 'Handler'], width: 20, cell: ({ handler }, names) => handlerOf(handler, names) },
    { title: ['接单期限', 'Accept by'], width: 17, cell: ({ deadlines }) => deadlines?.acceptBy },
    { title: ['办结期限', 'Resolve by'], width: 17, cell: ({ deadlines }) => deadlines?.resolveBy },
    { title: ['超期', 'Overdue'], width: 8, cell: ({ overdue }) => yes(overdue) },
    { title: ['办理结果', 'Resolution'], width: 40, cell: ({ resolution }) => resolution },
    { title: ['评价', 'Rating'], width: 12, cell: ({ rating }) => wordsFor(satisfactions, rating) },
    { title: ['评价留言', 'Remark'], width: 30, cell: ({ ratingRemark }) => ratingRemark },
    { title: ['重开次数', 'Reopened'], width: 9, cell: ({ reopened }) => reopened },
    { title: ['待回访', 'Call due'], width: 8, cell: ({ followUpDue }) => yes(followUpDue) },
    {
      title: ['不予受理原因', 'Rejected because'],
      width: 16,
      cell: ({ rejectionReason }) => wordsFor(rejections, rejectionReason),
    },
    { title: ['说明', 'Reason'], width: 30, cell: ({ reason }) => reason },
    { title: ['附件数', 'Files'], width: 8, cell: ({ evidence }) => evidence.length },
    { title: ['更新时间', 'Changed at'], width: 17, cell: ({ changedAt }) => changedAt },
    { title: ['标识', 'Id'], width: 38, cell: ({ id }) => id },
  ],
  ({ territory, handler }) => {
    const choice = handler?.handler;
    const grid = choice?.$case === 'grid' ? [choice.value] : [];
    return { territories: [territory, ...grid], units: choice?.$case === 'unit' ? [choice.value] : [] };
  },
);

const units = table<Unit>(
  { rpc: { service: 'orggraph', name: 'ListUnits' }, field: 'units', title: ['单位', 'Units'], pageSize: 100 },
  [
    { title: ['名称', 'Name'], width: 30, cell: ({ name }) => name },
    { title: ['类型', 'Kind'], width: 14, cell: ({ kind }) => wordsFor(unitKinds, kind) },
    { title: ['属地', 'Territory'], width: 24, cell: ({ territory }, names) => names.territory(territory) },
    { title: ['属地代码', 'Territory code'], width: 20, cell: ({ territory }) => territory },
    { title: ['统一社会信用代码', 'Credit code'], width: 22, cell: ({ creditCode }) => creditCode },
    { title: ['生效时间', 'Valid from'], width: 17, cell: ({ validFrom }) => validFrom },
    { title: ['失效时间', 'Valid until'], width: 17, cell: ({ validUntil }) => validUntil },
    { title: ['提示', 'Warnings'], width: 30, cell: ({ warnings }) => warnings.join('; ') },
    { title: ['标识', 'Id'], width: 38, cell: ({ id }) => id },
  ],
  ({ territory }) => ({ territories: [territory] }),
);

const postings = table<Posting>(
  { rpc: { service: 'orggraph', name: 'ListPostings' }, field: 'postings', title: ['任职', 'Postings'], pageSize: 100 },
  [
    { title: ['角色', 'Role'], width: 16, cell: ({ role }) => wordsFor(roleNames, role) },
    { title: ['单位', 'Unit'], width: 30, cell: ({ unit }, names) => names.unit(unit) },
    { title: ['属地', 'Territory'], width: 24, cell: ({ territory }, names) => names.territory(territory) },
    { title: ['属地代码', 'Territory code'], width: 20, cell: ({ territory }) => territory },
    { title: ['任职起', 'From'], width: 17, cell: ({ validFrom }) => validFrom },
    { title: ['任职止', 'Until'], width: 17, cell: ({ validUntil }) => validUntil },
    { title: ['人员标识', 'Person'], width: 38, cell: ({ person }) => person },
    { title: ['标识', 'Id'], width: 38, cell: ({ id }) => id },
  ],
  ({ territory, unit }) => ({ territories: [territory], units: [unit] }),
);

const deepest = 5;
const categories = table<Category>(
  {
    rpc: { service: 'tickets', name: 'ListCategories' },
    field: 'categories',
    title: ['类别', 'Categories'],
    pageSize: 1_000,
  },
  [
    ...Array.from({ length: deepest }, (_, level): Column<Category> => {
      return { title: [`第${level + 1}级`, `Level ${level + 1}`], width: 24, cell: ({ path }) => path[level] };
    }),
    { title: ['外部代码', 'External code'], width: 16, cell: ({ externalCode }) => externalCode },
    { title: ['标识', 'Id'], width: 50, cell: ({ id }) => id },
  ],
  () => ({}),
);

const territories = table<Territory>(
  {
    rpc: { service: 'orggraph', name: 'ListTerritories' },
    field: 'territories',
    title: ['属地', 'Territories'],
    pageSize: 100,
  },
  [
    { title: ['名称', 'Name'], width: 24, cell: ({ name }) => name },
    { title: ['属地代码', 'Territory code'], width: 20, cell: ({ id }) => id },
    { title: ['类型', 'Kind'], width: 12, cell: ({ kind }) => wordsFor(territoryKinds, kind) },
    { title: ['上级', 'Above it'], width: 24, cell: ({ parent }, names) => names.territory(parent) },
    { title: ['上级代码', 'Code above it'], width: 18, cell: ({ parent }) => parent },
    { title: ['覆盖', 'Covers'], width: 40, cell: ({ covers }) => covers.join('; ') },
    { title: ['生效时间', 'Valid from'], width: 17, cell: ({ validFrom }) => validFrom },
    { title: ['失效时间', 'Valid until'], width: 17, cell: ({ validUntil }) => validUntil },
  ],
  ({ parent }) => ({ territories: [parent] }),
);

const clients = table<Client>(
  {
    rpc: { service: 'identity', name: 'ListClients' },
    field: 'clients',
    title: ['接入系统', 'Systems'],
    pageSize: 100,
  },
  [
    { title: ['名称', 'Name'], width: 30, cell: ({ name }) => name },
    { title: ['权限范围', 'Scopes'], width: 40, cell: ({ scopes }) => scopes.join('; ') },
    { title: ['属地', 'Territory'], width: 24, cell: ({ territory }, names) => names.territory(territory) },
    { title: ['属地代码', 'Territory code'], width: 20, cell: ({ territory }) => territory },
    { title: ['登记时间', 'Registered at'], width: 17, cell: ({ registeredAt }) => registeredAt },
    { title: ['停用时间', 'Ended at'], width: 17, cell: ({ endedAt }) => endedAt },
    { title: ['标识', 'Id'], width: 38, cell: ({ id }) => id },
  ],
  ({ territory }) => ({ territories: [territory] }),
);

const contactReadings = table<ContactReading>(
  {
    rpc: { service: 'identity', name: 'ListMyContactReadings' },
    field: 'contactReadings',
    title: ['联系方式查看记录', 'Contact readings'],
    pageSize: 100,
  },
  [
    { title: ['查看时间', 'Read at'], width: 17, cell: ({ at }) => at },
    { title: ['查看人', 'Reader'], width: 14, cell: ({ readerName }) => readerName },
    { title: ['角色', 'Role'], width: 16, cell: ({ role }) => wordsFor(roleNames, role) },
    { title: ['任职单位或属地', 'Place'], width: 30, cell: ({ place }) => place },
    { title: ['理由', 'Reason'], width: 40, cell: ({ reason }) => reason },
    { title: ['查看人标识', 'Reader id'], width: 38, cell: ({ reader }) => reader },
    { title: ['任职标识', 'Posting'], width: 38, cell: ({ posting }) => posting },
    { title: ['标识', 'Id'], width: 38, cell: ({ id }) => id },
  ],
  () => ({}),
);

const inbox = table<Notice>(
  { rpc: { service: 'notifications', name: 'ListInbox' }, field: 'notices', title: ['消息', 'Notices'], pageSize: 100 },
  [
    { title: ['时间', 'At'], width: 17, cell: ({ at }) => at },
    { title: ['标题', 'Title'], width: 20, cell: ({ title }) => title },
    { title: ['内容', 'Text'], width: 60, cell: ({ body }) => body },
    { title: ['已读时间', 'Read at'], width: 17, cell: ({ readAt }) => readAt },
    { title: ['事件', 'Event'], width: 44, cell: ({ event }) => event },
    { title: ['工单标识', 'Ticket'], width: 38, cell: ({ ticket }) => ticket },
    { title: ['标识', 'Id'], width: 38, cell: ({ id }) => id },
  ],
  () => ({}),
);

const deliveries = table<Delivery>(
  {
    rpc: { service: 'notifications', name: 'ListMyDeliveries' },
    field: 'deliveries',
    title: ['发送记录', 'Deliveries'],
    pageSize: 100,
  },
  [
    { title: ['决定时间', 'Planned at'], width: 17, cell: ({ plannedAt }) => plannedAt },
    { title: ['渠道', 'Channel'], width: 12, cell: ({ channel }) => wordsFor(noticeChannels, channel) },
    { title: ['类型', 'Kind'], width: 10, cell: ({ kind }) => wordsFor(noticeKinds, kind) },
    { title: ['状态', 'Status'], width: 12, cell: ({ status }) => wordsFor(deliveryStatuses, status) },
    { title: ['下次发送', 'Due'], width: 17, cell: ({ due }) => due },
    { title: ['结束时间', 'Ended at'], width: 17, cell: ({ endedAt }) => endedAt },
    { title: ['尝试次数', 'Tries'], width: 9, cell: ({ tries }) => tries },
    { title: ['原因', 'Reason'], width: 18, cell: ({ reason }) => wordsFor(deliveryReasons, reason) },
    {
      title: ['改用渠道', 'Next channel'],
      width: 12,
      cell: ({ nextChannel }) => wordsFor(noticeChannels, nextChannel),
    },
    { title: ['消息标识', 'Notice'], width: 38, cell: ({ notice }) => notice },
    { title: ['工单标识', 'Ticket'], width: 38, cell: ({ ticket }) => ticket },
    { title: ['标识', 'Id'], width: 38, cell: ({ id }) => id },
  ],
  () => ({}),
);

const failedDeliveries = table<FailedDelivery>(
  {
    rpc: { service: 'notifications', name: 'ListFailedDeliveries' },
    field: 'deliveries',
    title: ['发送失败', 'Failed deliveries'],
    pageSize: 100,
  },
  [
    { title: ['放弃时间', 'Failed at'], width: 17, cell: ({ failedAt }) => failedAt },
    { title: ['渠道', 'Channel'], width: 12, cell: ({ channel }) => wordsFor(noticeChannels, channel) },
    { title: ['原因', 'Reason'], width: 18, cell: ({ reason }) => wordsFor(deliveryReasons, reason) },
    { title: ['尝试次数', 'Tries'], width: 9, cell: ({ tries }) => tries },
    { title: ['人员标识', 'Person'], width: 38, cell: ({ person }) => person },
    { title: ['标识', 'Id'], width: 38, cell: ({ id }) => id },
  ],
  () => ({}),
);

/** Every list that leaves as a table. */
export const tables: readonly Table[] = [
  tickets,
  categories,
  units,
  territories,
  postings,
  clients,
  contactReadings,
  inbox,
  deliveries,
  failedDeliveries,
];
