import type { Language } from './domain/account.ts';
import { passwordLength } from './passwords.ts';

/** What the pages say. Each language says everything. */
export interface PageTexts {
  readonly product: string;
  readonly signIn: string;
  readonly forClient: (client: string) => string;
  readonly login: string;
  readonly password: string;
  readonly cancel: string;
  readonly wrong: string;
  readonly incomplete: string;
  readonly crowded: string;
  readonly locked: (seconds: number) => string;
  readonly choose: { readonly [F in 'none-chosen' | 'wrong-length' | 'same-again' | 'different']: string };
  readonly chosenPassword: string;
  readonly chosenAgain: string;
  readonly continueTitle: string;
  readonly continueAs: (name: string) => string;
  readonly proceed: string;
  readonly otherPerson: string;
  readonly handOver: string;
  readonly handOverHint: string;
  readonly signOut: string;
  readonly signOutQuestion: string;
  readonly signOutYes: string;
  readonly signOutNo: string;
  readonly signedOut: string;
  readonly closePage: string;
  readonly failed: string;
  readonly expired: string;
  readonly startAgain: string;
  readonly reason: string;
  readonly otherLanguage: string;
  readonly languageChoice: string;
}

const zh: PageTexts = {
  product: '板凳',
  signIn: '登录',
  forClient: (client) => `登录后将返回“${client}”。`,
  login: '登录名',
  password: '密码',
  cancel: '取消，不登录',
  wrong: '登录名或密码不正确，请重新输入。',
  incomplete: '请填写登录名和密码。',
  crowded: '当前登录人数较多，请稍后重试。',
  locked: (seconds) => `连续多次登录失败，请在${chineseWait(seconds)}后再试。期间密码正确也无法登录。`,
  choose: {
    'none-chosen': '此密码只能使用一次。请再次输入该密码，并设置您自己的新密码。',
    'wrong-length': `新密码应为${passwordLength.least}至${passwordLength.most}个字符，请重新输入。`,
    'same-again': '新密码不能与一次性密码相同，请重新输入。',
    different: '两次输入的新密码不一致，请重新输入。',
  },
  chosenPassword: `新密码（至少${passwordLength.least}个字符）`,
  chosenAgain: '再次输入新密码',
  continueTitle: '确认登录',
  continueAs: (name) => `您已登录为“${name}”。`,
  proceed: '继续',
  otherPerson: '使用其他账号',
  handOver: '即将完成',
  handOverHint: '如页面没有自动跳转，请点击“继续”。',
  signOut: '退出登录',
  signOutQuestion: '确定要退出登录吗？',
  signOutYes: '退出',
  signOutNo: '保持登录',
  signedOut: '您已退出登录',
  closePage: '可以关闭本页面了。',
  failed: '无法继续',
  expired: '登录页面已失效。',
  startAgain: '请返回应用，重新开始登录。',
  reason: '原因',
  otherLanguage: 'English',
  languageChoice: '语言',
};

const en: PageTexts = {
  product: 'Bandeng',
  signIn: 'Sign in',
  forClient: (client) => `You go back to “${client}” afterwards.`,
  login: 'Login name',
  password: 'Password',
  cancel: 'Cancel without signing in',
  wrong: 'Login name or password is not right. Please try again.',
  incomplete: 'Please enter your login name and password.',
  crowded: 'Many people are signing in right now. Please try again in a moment.',
  locked: (seconds) =>
    `Too many failed sign-ins. Please try again in ${englishWait(seconds)}. Until then not even the right password works.`,
  choose: {
    'none-chosen': 'This password works once. Please enter it again, and choose one of your own.',
    'wrong-length': `The new password needs ${passwordLength.least} to ${passwordLength.most} characters. Please try again.`,
    'same-again': 'The new password must be another than the one that works once. Please try again.',
    different: 'The new password was not the same both times. Please try again.',
  },
  chosenPassword: `New password (at least ${passwordLength.least} characters)`,
  chosenAgain: 'New password again',
  continueTitle: 'Confirm sign-in',
  continueAs: (name) => `You are signed in as “${name}”.`,
  proceed: 'Continue',
  otherPerson: 'Use another account',
  handOver: 'Almost done',
  handOverHint: 'If this page does not go on by itself, please choose “Continue”.',
  signOut: 'Sign out',
  signOutQuestion: 'Do you want to sign out?',
  signOutYes: 'Sign out',
  signOutNo: 'Stay signed in',
  signedOut: 'You are signed out',
  closePage: 'You can close this page.',
  failed: 'This cannot go on',
  expired: 'This sign-in page is no longer valid.',
  startAgain: 'Please go back to the application and sign in again.',
  reason: 'Reason',
  otherLanguage: '中文',
  languageChoice: 'Language',
};

export const pageTexts: Readonly<Record<Language, PageTexts>> = { 'zh-CN': zh, en };

function chineseWait(seconds: number): string {
  return seconds < 60 ? ` ${seconds} 秒` : ` ${Math.ceil(seconds / 60)} 分钟`;
}

function englishWait(seconds: number): string {
  const [count, unit] = seconds < 60 ? [seconds, 'second'] : [Math.ceil(seconds / 60), 'minute'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

/**
 * The language of a page: what the person chose on it, else what the application asked for (`ui_locales`), else what the
 * browser prefers, else Chinese.
 */
export function pageLanguage(wishes: {
  readonly chosen?: string | null | undefined;
  readonly uiLocales?: unknown;
  readonly accepted?: string | undefined;
}): Language {
  const asked = typeof wishes.uiLocales === 'string' ? wishes.uiLocales.split(' ') : [];
  const tags = [...(wishes.chosen ? [wishes.chosen] : []), ...asked, ...byWeight(wishes.accepted ?? '')];
  for (const tag of tags) {
    if (/^zh\b/i.test(tag)) return 'zh-CN';
    if (/^en\b/i.test(tag)) return 'en';
  }
  return 'zh-CN';
}

/** The tags of an Accept-Language header, the most wanted first. */
function byWeight(header: string): string[] {
  return header
    .split(',')
    .map((part) => {
      const [tag = '', ...parameters] = part.trim().split(/\s*;\s*/);
      const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
      return { tag, weight: weight === undefined ? 1 : Number(weight) };
    })
    .filter(({ weight }) => weight > 0)
    .sort((one, other) => other.weight - one.weight)
    .map(({ tag }) => tag);
}
