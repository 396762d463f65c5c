import { isIPv6 } from 'node:net';

/**
 * Whom an address stands for: itself, or in IPv6 the network of 64 bits, which is what one subscriber has. A connection that its
 * client has reset has no address any more.
 */
export function networkOf(address: string | undefined): string {
  if (address === undefined) return '';
  if (!address.includes(':') || !isIPv6(address)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = '', tail] = address.replace(/%.*$/, '').toLowerCase().split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const first = groups(head);
  const last = tail === undefined ? [] : groups(tail);
  // A dotted end stands for two groups; it is below the 64 bits and only its length counts.
  const lengthOf = (parts: string[]) => parts.length + (parts.at(-1)?.includes('.') ? 1 : 0);
  const zeros = tail === undefined ? 0 : 8 - lengthOf(first) - lengthOf(last);
  const network = [...first, ...Array.from({ length: zeros }, () => '0'), ...last].slice(0, 4);
  return network.map((group) => group.replace(/^0+(?=.)/, '')).join(':');
}
