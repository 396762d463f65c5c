/**
 * By which words a ticket is found. Its terms stand in an index: pairs of neighbouring characters as people write them, pairs of
 * initials in pinyin of what its texts begin with, and the end of its number. A search leads by one term to tickets that
 * may have it, and then reads what they say: so few terms do, and what is found has the words indeed.
 */
import { pinyin } from 'pinyin-pro';
import { isSyllable, syllablesOf } from './syllables.ts';

/** No more pairs of characters are kept than the first so many different ones: those of some 1,200 characters. */
const mostPairs = 1_000;
/** Initials are kept of so many characters; who types them looks for a place or a matter, which stand near the beginning. */
const soundReach = 32;
const mostWords = 5;
const mostSpellings = 4;
/** So many digits of the serial are a term. */
const endDigits = 4;

/** What a ticket must have for one way to understand a word. */
type Sought =
  /** Characters that stand together, each of these in one of its texts. */
  | { readonly runs: readonly string[] }
  /** Initials that stand together. */
  | { readonly initials: string }
  /** Syllables that follow each other. */
  | { readonly syllables: readonly string[] }
  /** Digits with which its number ends. */
  | { readonly end: string };

/** One way to understand a word, with the terms of which each ticket that has it has all. */
export interface Reading {
  readonly terms: readonly string[];
  readonly sought: Sought;
}
/** A word of a search: any of its readings will do. */
export type Word = readonly Reading[];

/** What is compared with words. */
export interface Findable {
  readonly number: string;
  readonly texts: readonly string[];
}

/** The terms by which a ticket is found; of its texts the first comes first where there is too much. */
export function termsOf({ number, texts }: Findable): string[] {
  const plainTexts = texts.map(plain);
  const pairs = new Set(plainTexts.flatMap((text) => runsOf(text).flatMap(pairsOf)));
  const sounds = new Set(
    plainTexts.flatMap((text) => soundsOf(text).flatMap(({ initials }) => initialPairs(initials))),
  );
  return [endTerm(digitsOf(number)), ...[...pairs].slice(0, mostPairs), ...sounds];
}

/** Reads what somebody searches for; nothing when no word of it says enough. */
export function readWords(search: string): Word[] | undefined {
  const words = joinSyllables(plain(search).split(/\s+/)).map(readWord);
  const telling = words.filter((word) => word.length > 0).slice(0, mostWords);
  return telling.length === 0 ? undefined : telling;
}

/** Whether a ticket has every word. */
export function hasWords({ number, texts }: Findable, words: readonly Word[]): boolean {
  const digits = digitsOf(number);
  const plainTexts = texts.map(plain);
  const runs = plainTexts.flatMap(runsOf);
  let heard: Sounds[] | undefined;
  const has = (sought: Sought): boolean => {
    if ('runs' in sought) return sought.runs.every((run) => runs.some((one) => one.includes(run)));
    if ('end' in sought) return digits.endsWith(sought.end);
    heard ??= plainTexts.flatMap(soundsOf);
    if ('initials' in sought) return heard.some(({ initials }) => initials.includes(sought.initials));
    const spoken = spelled(sought.syllables);
    return heard.some(({ syllables }) => spelled(syllables).includes(spoken));
  };
  return words.every((word) => word.some(({ sought }) => has(sought)));
}

function readWord(word: string): Word {
  const runs = runsOf(word).filter((run) => pairsOf(run).length > 0);
  const readings: Reading[] = [{ terms: runs.flatMap(pairsOf), sought: { runs } }];
  const digits = digitsOf(word);
  if (/^[\d-]+$/.test(word) && digits.length >= endDigits) {
    readings.push({ terms: [endTerm(digits)], sought: { end: digits } });
  }
  // No syllable begins with i, u or v.
  if (/^[a-hj-tw-z]+$/.test(word)) readings.push({ terms: initialPairs(word), sought: { initials: word } });
  const spellings = word.includes("'") ? [word.split("'")] : syllablesOf(word, mostSpellings);
  for (const syllables of spellings) {
    const initials = syllables.map((syllable) => syllable.charAt(0)).join('');
    readings.push({ terms: initialPairs(initials), sought: { syllables } });
  }
  return readings.filter(({ terms }) => terms.length > 0);
}

/** Syllables with spaces between them are one word: `lou shui` as `lou'shui`. */
function joinSyllables(words: readonly string[]): string[] {
  const joined: string[] = [];
  let before = false;
  for (const word of words) {
    const now = isSyllable(word);
    if (now && before) joined.push(`${joined.pop()}'${word}`);
    else joined.push(word);
    before = now;
  }
  return joined;
}

/** One form for all ways to write the same: half and full width, upper and lower case. */
function plain(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}

/** Letters and digits that stand together in a plain text. */
function runsOf(text: string): string[] {
  return text.match(/[\p{L}\p{N}]+/gu) ?? [];
}

function pairsOf(run: string): string[] {
  const characters = [...run];
  return characters.slice(1).map((character, index) => `${characters[index]}${character}`);
}

/** How characters that stand together sound. */
interface Sounds {
  readonly syllables: readonly string[];
  readonly initials: string;
}

/** How a plain text sounds, as far as initials are kept. */
function soundsOf(text: string): Sounds[] {
  const beginning = [...text].slice(0, soundReach).join('');
  return (beginning.match(/\p{Script=Han}{2,}/gu) ?? []).map((run) => {
    // Tones among themselves change tones only, and those are taken off.
    const syllables = pinyin(run, { type: 'array', toneSandhi: false }).map(toneless);
    return { syllables, initials: syllables.map((syllable) => syllable.charAt(0)).join('') };
  });
}

/** Some 1,500 syllables with their tones; a character without a reading stays itself. */
const tonelessSyllables = new Map<string, string>();

/** `lǜ` as people type it: `lv`. The library does it with nine expressions for each, which was most of the work of a text. */
function toneless(syllable: string): string {
  let letters = tonelessSyllables.get(syllable);
  if (letters === undefined) {
    letters = syllable
      .normalize('NFD')
      .replaceAll('u\u0308', 'v')
      .replaceAll(/[\u0300\u0301\u0304\u030c]/g, '')
      .normalize('NFC');
    tonelessSyllables.set(syllable, letters);
  }
  return letters;
}

function spelled(syllables: readonly string[]): string {
  return ` ${syllables.join(' ')} `;
}

function initialPairs(initials: string): string[] {
  return pairsOf(initials).map((pair) => `=${pair}`);
}

function endTerm(digits: string): string {
  return `#${digits.slice(-endDigits)}`;
}

function digitsOf(text: string): string {
  return text.replaceAll(/\D/g, '');
}
