/** The unified social credit code of an organization (GB 32100). */

const alphabet = '0123456789ABCDEFGHJKLMNPQRTUWXY';
const modulus = 31;

/** Whether the last of its 18 characters is the check character that the first 17 ask for. */
export function hasRightCheckCharacter(code: string): boolean {
  const values = [...code].map((character) => alphabet.indexOf(character));
  if (values.length !== 18 || values.includes(-1)) return false;
  let weight = 1;
  let sum = 0;
  for (const value of values.slice(0, 17)) {
    sum += value * weight;
    weight = (weight * 3) % modulus;
  }
  return values[17] === (modulus - (sum % modulus)) % modulus;
}
