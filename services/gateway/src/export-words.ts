/** What the values of the contracts are called in tables that people read, in both languages; complete or it does not compile. */
import type { DeliveryStatus_Value, NoticeChannel_Value, NoticeKind_Value } from '@bandeng/contracts/notifications';
import type { Role_Value, TerritoryKind_Value, UnitKind_Value } from '@bandeng/contracts/orggraph';
import type {
  RejectionReason_Value,
  Satisfaction_Value,
  TicketSource_Value,
  TicketStatus_Value,
  Urgency_Value,
} from '@bandeng/contracts/tickets';
import type { Language } from '@bandeng/rpc';

/** In Chinese and in English. */
export type Words = readonly [chinese: string, english: string];
export type Vocabulary<Value extends string> = {
  readonly [V in Exclude<Value, 'UNSPECIFIED' | 'UNRECOGNIZED'>]: Words;
};

export function inLanguage([chinese, english]: Words, language: Language): string {
  return language === 'en' ? english : chinese;
}

export const yesOrNo = { true: ['是', 'yes'], false: ['否', 'no'] } as const satisfies Record<string, Words>;

export const statuses: Vocabulary<TicketStatus_Value> = {
  ORDERED: ['待派单', 'ordered'],
  DISPATCHED: ['待接单', 'dispatched'],
  IN_PROGRESS: ['办理中', 'in progress'],
  SUSPENDED: ['已挂起', 'suspended'],
  RESOLVED: ['已办结，待评价', 'resolved'],
  RATED: ['已评价', 'rated'],
  CLOSED: ['已关闭', 'closed'],
  REJECTED: ['不予受理', 'rejected'],
  WITHDRAWN: ['已撤回', 'withdrawn'],
};

export const urgencies: Vocabulary<Urgency_Value> = { ORDINARY: ['一般', 'ordinary'], URGENT: ['紧急', 'urgent'] };

export const sources: Vocabulary<TicketSource_Value> = {
  RESIDENT: ['居民', 'resident'],
  GUEST: ['居民（未登录）', 'guest'],
  ON_BEHALF: ['代办', 'on behalf'],
  SYSTEM: ['其他系统', 'another system'],
  IMPORT: ['导入', 'import'],
};

export const satisfactions: Vocabulary<Satisfaction_Value> = {
  VERY_DISSATISFIED: ['非常不满意', 'very dissatisfied'],
  DISSATISFIED: ['不满意', 'dissatisfied'],
  BASICALLY_SATISFIED: ['基本满意', 'basically satisfied'],
  SATISFIED: ['满意', 'satisfied'],
  VERY_SATISFIED: ['非常满意', 'very satisfied'],
};

export const rejections: Vocabulary<RejectionReason_Value> = {
  NOT_OURS: ['不属于本级职责', 'not ours'],
  DUPLICATE: ['重复', 'duplicate'],
  LEGAL_PROCEDURE: ['已进入法定程序', 'legal procedure'],
  UNCLEAR: ['诉求不明', 'unclear'],
  NOT_PERMITTED: ['不符合规定', 'not permitted'],
  WILL_NOT_DO: ['经研究不予办理', 'will not do'],
};

export const unitKinds: Vocabulary<UnitKind_Value> = {
  CITY_ORGAN: ['市直机关', 'city organ'],
  DISTRICT_ORGAN: ['区直机关', 'district organ'],
  STREET: ['街道党工委', 'street'],
  COMMUNITY: ['社区党委', 'community'],
  COMPOUND: ['小区党支部', 'compound'],
  PROPERTY_COMPANY: ['物业公司', 'property company'],
  OWNERS_COMMITTEE: ['业主委员会', 'owners’ committee'],
  ENTERPRISE: ['企业', 'enterprise'],
  SOCIAL_ORGANIZATION: ['社会组织', 'social organization'],
  VOLUNTEER_TEAM: ['志愿服务队', 'volunteer team'],
};

export const territoryKinds: Vocabulary<TerritoryKind_Value> = {
  PROVINCE: ['省', 'province'],
  CITY: ['市', 'city'],
  DISTRICT: ['区县', 'district'],
  STREET: ['街道', 'street'],
  COMMUNITY: ['社区', 'community'],
  GRID: ['网格', 'grid'],
  COMPOUND: ['小区', 'compound'],
  BUILDING: ['楼栋', 'building'],
};

export const noticeChannels: Vocabulary<NoticeChannel_Value> = {
  INBOX: ['站内消息', 'inbox'],
  EMAIL: ['电子邮件', 'e-mail'],
};

export const noticeKinds: Vocabulary<NoticeKind_Value> = {
  TASK: ['待办', 'task'],
  CALL: ['征集', 'call'],
  PROGRESS: ['进展', 'progress'],
  RESULT: ['结果', 'result'],
};

export const deliveryStatuses: Vocabulary<DeliveryStatus_Value> = {
  WAITING: ['待发送', 'waiting'],
  SENT: ['已发送', 'sent'],
  FAILED: ['发送失败', 'failed'],
  DROPPED: ['不再发送', 'dropped'],
};

/** Why a delivery failed or was dropped, by the words of the contract. */
export const deliveryReasons: Readonly<Record<string, Words>> = {
  'server-away': ['服务器连不上', 'server away'],
  'server-refuses': ['服务器拒绝', 'server refuses'],
  'server-busy': ['服务器繁忙', 'server busy'],
  'message-refused': ['消息被拒收', 'message refused'],
  'address-refused': ['地址被拒收', 'address refused'],
  'no-address': ['没有地址', 'no address'],
  uncertain: ['不确定是否送达', 'uncertain'],
  'read-already': ['已读', 'read already'],
  'chosen-otherwise': ['本人已改选', 'chosen otherwise'],
};

export const roleNames: Vocabulary<Role_Value> = {
  RESIDENT: ['居民', 'resident'],
  VOLUNTEER: ['志愿者', 'volunteer'],
  MEMBER: ['报到党员', 'checked-in member'],
  BUILDING_HEAD: ['楼栋长', 'building head'],
  GRID_WORKER: ['网格员', 'grid worker'],
  PROPERTY_WORKER: ['物业人员', 'property worker'],
  COMPOUND_SECRETARY: ['小区党支部书记', 'compound secretary'],
  COMMUNITY_DISPATCHER: ['社区派单员', 'community dispatcher'],
  COMMUNITY_SECRETARY: ['社区党委书记', 'community secretary'],
  STREET_OFFICER: ['街道干部', 'street officer'],
  ORGAN_LIAISON: ['单位联络员', 'organ liaison'],
  DISTRICT_SUPERVISOR: ['区督办', 'district supervisor'],
  CITY_SUPERVISOR: ['市督办', 'city supervisor'],
  AUDITOR: ['审计', 'auditor'],
  ADMINISTRATOR: ['管理员', 'administrator'],
};

/** The words for a value; the value itself where there are none, as for one of a later version. */
export function wordsFor(vocabulary: Readonly<Record<string, Words>>, value: string | undefined): Words {
  if (value === undefined || value === 'UNSPECIFIED' || value === 'UNRECOGNIZED') return ['', ''];
  return vocabulary[value] ?? [value, value];
}
