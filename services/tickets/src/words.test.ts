import { performance } from 'node:perf_hooks';
import fc from 'fast-check';
import { pinyin } from 'pinyin-pro';
import { describe, expect, test } from 'vitest';
import { hasWords, type Reading, readWords, termsOf } from './words.ts';

const number = '459902-20261124-000123';
const ticket = { number, texts: ['大修厂小区东门', '三栋５０２室厨房漏水，WiFi也断了'] };
const finds = (search: string): boolean => hasWords(ticket, readWords(search) ?? []);

describe('a ticket is found', () => {
  test.each([
    ['by a word of what was ordered', '漏水'],
    ['by a longer word', '厨房漏水'],
    ['by a word of its place', '大修厂小区'],
    ['by several words in any order', '漏水 东门'],
    ['by digits in full width or half', '502室'],
    ['by letters in any case', 'WIFI'],
    ['by a word with another of one character, which narrows nothing', '漏水 了'],
    ['by the initials of its place', 'dxcxq'],
    ['by three initials', 'dxc'],
    ['by two initials', 'ls'],
    ['by the whole pinyin', 'loushui'],
    ['by pinyin with spaces', 'lou shui'],
    ['by pinyin with an apostrophe', "lou'shui"],
    ['by pinyin of a longer word', 'daxiuchangxiaoqu'],
    ['by its number', '459902-20261124-000123'],
    ['by its number without hyphens', '45990220261124000123'],
    ['by the end of its number', '000123'],
    ['by a short end of its number', '0123'],
    ['by day and serial', '20261124-000123'],
    ['by a word and the end of its number', '漏水 0123'],
  ])('%s: %s', (_, search) => {
    expect(finds(search)).toBe(true);
  });
});

describe('a ticket is not found', () => {
  test.each([
    ['by a word that is not there', '停电'],
    ['when one of several words is not there', '漏水 停电'],
    ['by characters across a comma', '水wifi'],
    ['by other pinyin', 'loudian'],
    ['by other initials', 'lsx'],
    ['by another end', '9123'],
    ['by the same serial of another day', '20261125-000123'],
    ['by the middle of its number', '20261124'],
    ['by an end of three digits, which too many have', '123'],
    ['by characters that stand apart', '三栋漏水'],
  ])('%s: %s', (_, search) => {
    expect(finds(search)).toBe(false);
  });
});

test('one character alone says too little to search for', () => {
  expect(readWords('水')).toBeUndefined();
  expect(readWords(' ，。 ')).toBeUndefined();
});

/** Whether the index leads from each term of a reading to a ticket. */
function leads({ terms }: Reading, there: readonly string[]): boolean {
  return terms.every((term) => there.includes(term));
}

test('a long order is found by what stands at its end, and by the sound of what follows a greeting', () => {
  const greeting = '社区的各位工作人员，你们好，打扰了。';
  const matter = '我们三栋的自来水压力不足，二次供水的设备很久没有检修，';
  const more = Array.from({ length: 300 }, (_, index) => String.fromCodePoint(0x4e00 + index * 7)).join('');
  const long = { number, texts: [`${greeting}${matter}${more}充电桩有触电的隐患`] };
  for (const search of ['自来水', '二次供水', '检修', '充电桩', '触电', '隐患', 'sdd']) {
    const readings = readWords(search)
      ?.flat()
      .filter((reading) => hasWords(long, [[reading]]));
    expect(
      readings?.some((reading) => leads(reading, termsOf(long))),
      search,
    ).toBe(true);
  }
});

test('whatever finds a ticket leads to it by each of its terms', () => {
  for (const search of ['漏水', '502室', 'dxcxq', 'loushui', 'lou shui', '000123', 'wifi']) {
    const readings = readWords(search)
      ?.flat()
      .filter((reading) => hasWords(ticket, [[reading]]));
    expect(readings?.length).toBeGreaterThan(0);
    expect(readings?.every((reading) => leads(reading, termsOf(ticket)))).toBe(true);
  }
});

test('a character that sounds otherwise in its place is found by how it is written and by how it sounds there', () => {
  const here = { number, texts: ['重庆火锅店', '银行门口的长椅'] };
  for (const search of ['重庆', 'cq', 'chongqing', '银行', 'yh', 'yinhang', '长椅', 'cy']) {
    const readings = readWords(search)
      ?.flat()
      .filter((reading) => hasWords(here, [[reading]]));
    expect(readings?.some((reading) => leads(reading, termsOf(here)))).toBe(true);
  }
  expect(hasWords(here, readWords('zhongqing') ?? [])).toBe(false);
});

test('any part of what a text begins with leads to it, by its characters and by its sound', () => {
  const character = fc.constantFrom(...'的了在重庆长行大地都不得还没和好看干为中分相传数种着应当教处空便发少调转');
  const texts = fc.array(character, { minLength: 4, maxLength: 16 });
  fc.assert(
    fc.property(texts, fc.nat(), fc.nat(), (characters, one, other) => {
      const from = one % (characters.length - 1);
      const to = from + 2 + (other % (characters.length - 1 - from));
      const text = characters.join('');
      const terms = termsOf({ number, texts: [text] });
      const syllables = pinyin(text, { toneType: 'none', type: 'array', v: true }).slice(from, to);
      const [written] = readWords(text.slice(from, to))?.flat() ?? [];
      const spoken = readWords(syllables.join(' '))
        ?.flat()
        .find(({ sought }) => 'syllables' in sought);
      expect(written !== undefined && leads(written, terms)).toBe(true);
      expect(spoken !== undefined && leads(spoken, terms)).toBe(true);
      expect(hasWords({ number, texts: [text] }, spoken === undefined ? [] : [[spoken]])).toBe(true);
    }),
  );
});

test('letters that can be read in several ways are read in each', () => {
  const here = { number, texts: ['西安路', '先修路'] };
  expect(hasWords(here, readWords('xianlu') ?? [])).toBe(true);
  expect(hasWords(here, readWords("xi'an") ?? [])).toBe(true);
});

test('a long text keeps a bounded number of terms, of its beginning', () => {
  const text = Array.from({ length: 4_000 }, (_, index) => String.fromCodePoint(0x4e00 + index)).join('');
  const terms = termsOf({ number, texts: [text] });
  expect(terms.length).toBeLessThan(1_050);
  expect(terms).toContain([...text].slice(0, 2).join(''));
});

test('words without their text keep only what the number gives', () => {
  expect(termsOf({ number, texts: ['', ''] })).toEqual(['#0123']);
});

test('no search takes long to read', () => {
  const started = performance.now();
  for (const search of ['xian'.repeat(15), 'a'.repeat(60), `${'fangan'.repeat(9)}q`, '1'.repeat(60)]) readWords(search);
  expect(performance.now() - started).toBeLessThan(500);
});
