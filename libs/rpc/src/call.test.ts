import { expect, test } from 'vitest';
import { languageOf } from './call.ts';

test.each([
  [undefined, 'zh-CN'],
  ['zh-CN', 'zh-CN'],
  ['en', 'en'],
  ['en-GB,en;q=0.9,zh;q=0.8', 'en'],
  ['zh-TW;q=0.9, en;q=0.3', 'zh-CN'],
  ['en;q=0.2, zh;q=0.9', 'zh-CN'],
  ['fr', 'zh-CN'],
  ['fr, en;q=0.1', 'en'],
  ['english', 'zh-CN'],
  ['en;q=nonsense', 'en'],
] as const)('with Accept-Language %s one is answered in %s', (header, language) => {
  expect(languageOf(header)).toBe(language);
});
