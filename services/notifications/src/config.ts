import { ConfigurationFault, type Environment, textSetting } from '@bandeng/service';

/** Where e-mail is handed over, and who sends it. */
export interface MailServer {
  /** `smtp://` or `smtps://`, with user and password if it asks for them. Never logged. */
  readonly url: string;
  readonly from: string;
}

/** What notifications can be told from outside. */
export interface Configuration {
  /** Left out: e-mail is off. */
  readonly email?: MailServer;
}

export function configure(environment: Environment): Configuration {
  const url = textSetting(environment, 'BANDENG_SMTP_URL', '');
  const from = textSetting(environment, 'BANDENG_MAIL_FROM', '');
  if (url === '') return {};
  // The address may hold a password: a fault never repeats it.
  if (!/^smtps?:$/.test(URL.parse(url)?.protocol ?? '')) {
    throw new ConfigurationFault('BANDENG_SMTP_URL is not smtp://… or smtps://…');
  }
  if (domainOf(from) === '') {
    throw new ConfigurationFault(`BANDENG_MAIL_FROM is '${from}': an address, or a name and <an address>, is needed`);
  }
  return { email: { url, from } };
}

/** The domain of an address, with or without a name before it; empty if there is none. */
export function domainOf(from: string): string {
  return /^(?:[^<>]*<)?[^@\s<>]+@([^@\s<>]+)>?$/.exec(from.trim())?.[1] ?? '';
}
