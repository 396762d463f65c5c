import type { House } from '@bandeng/service';
import type { Configuration } from '../config.ts';
import type { Channel } from '../domain/preferences.ts';
import type { Carrier } from './channel.ts';
import { emailCarrier } from './email.ts';

/** The channels that this installation has, in the order in which they are tried. One that is off says so at the start. */
export function carriersOf({ email }: Configuration, log: House['log']): ReadonlyMap<Channel, Carrier> {
  const carriers = new Map<Channel, Carrier>();
  if (email === undefined) log.info({ channel: 'email' }, 'e-mail is off: BANDENG_SMTP_URL is not set');
  else carriers.set('email', emailCarrier(email));
  return carriers;
}
