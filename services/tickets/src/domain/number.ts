/** Numbers of tickets, as people read them out on the phone. */

const districtDigits = 6;
const serialDigits = 6;

/** For example `459902-20261124-000123`: district (or what is above it), day in China as `YYYYMMDD`, serial. */
export function ticketNumber(territory: string, day: string, serial: number): string {
  return `${territory.slice(0, districtDigits)}-${day}-${String(serial).padStart(serialDigits, '0')}`;
}
