/** The syllables of pinyin as people type them: without tones, `v` for ü. */

const finalsOf: Readonly<Record<string, string>> = {
  '': 'a o e ai ei ao ou an en ang eng er',
  b: 'a o ai ei ao an en ang eng i ie iao ian in ing u',
  p: 'a o ai ei ao ou an en ang eng i ie iao ian in ing u',
  m: 'a o e ai ei ao ou an en ang eng i ie iao iu ian in ing u',
  f: 'a o ei ou an en ang eng u',
  d: 'a e ai ei ao ou an en ang eng ong i ia ie iao iu ian ing u uo ui uan un',
  t: 'a e ai ao ou an ang eng ong i ie iao ian ing u uo ui uan un',
  n: 'a e ai ei ao ou an en ang eng ong i ie iao iu ian in iang ing u uo uan v ve',
  l: 'a o e ai ei ao ou an ang eng ong i ia ie iao iu ian in iang ing u uo uan un v ve',
  g: 'a e ai ei ao ou an en ang eng ong u ua uo uai ui uan un uang',
  k: 'a e ai ei ao ou an en ang eng ong u ua uo uai ui uan un uang',
  h: 'a e ai ei ao ou an en ang eng ong u ua uo uai ui uan un uang',
  j: 'i ia ie iao iu ian in iang ing iong u ue uan un',
  q: 'i ia ie iao iu ian in iang ing iong u ue uan un',
  x: 'i ia ie iao iu ian in iang ing iong u ue uan un',
  zh: 'a e ai ei ao ou an en ang eng ong i u ua uo uai ui uan un uang',
  ch: 'a e ai ao ou an en ang eng ong i u ua uo uai ui uan un uang',
  sh: 'a e ai ei ao ou an en ang eng i u ua uo uai ui uan un uang',
  r: 'e ao ou an en ang eng ong i u ua uo ui uan un',
  z: 'a e ai ei ao ou an en ang eng ong i u uo ui uan un',
  c: 'a e ai ao ou an en ang eng ong i u uo ui uan un',
  s: 'a e ai ao ou an en ang eng ong i u uo ui uan un',
  y: 'a o e ao ou an ang i in ing ong u ue uan un',
  w: 'a o ai ei an en ang eng u',
};
const longest = 6;
const syllables: ReadonlySet<string> = new Set(
  Object.entries(finalsOf).flatMap(([initial, finals]) => finals.split(' ').map((final) => initial + final)),
);

/** Whether letters are one syllable. */
export function isSyllable(letters: string): boolean {
  return syllables.has(letters);
}

/** The ways to read letters as two syllables or more, at most so many; longer syllables first: `xian` is `xi an` here. */
export function syllablesOf(letters: string, most: number): string[][] {
  const ways: string[][] = [];
  /** From where on nothing can be read; without it some sixty letters could be tried for ever. */
  const dead = new Set<number>();
  const read = (from: number, before: readonly string[]): void => {
    if (ways.length === most || dead.has(from)) return;
    if (from === letters.length) {
      if (before.length > 1) ways.push([...before]);
      return;
    }
    const found = ways.length;
    for (let length = Math.min(longest, letters.length - from); length > 0; length -= 1) {
      const syllable = letters.slice(from, from + length);
      if (syllables.has(syllable)) read(from + length, [...before, syllable]);
    }
    if (ways.length === found) dead.add(from);
  };
  read(0, []);
  return ways;
}
