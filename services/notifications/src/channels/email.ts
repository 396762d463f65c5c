import { createTransport } from 'nodemailer';
import { domainOf, type MailServer } from '../config.ts';
import type { Fault } from '../domain/delivery.ts';
import type { Carrier, Failure } from './channel.ts';

/** Milliseconds that the server may take: together less than a try may last (`longestTry`). */
const patience = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 30_000, dnsTimeout: 10_000 };

/** E-mail by SMTP. One connection for each letter: a pool would send again by itself when a connection breaks. */
export function emailCarrier({ url, from }: MailServer): Carrier {
  const transport = createTransport({ url, ...patience, disableFileAccess: true, disableUrlAccess: true });
  const domain = domainOf(from);
  return {
    channel: 'email',
    async send({ to, id, subject, text, language }) {
      try {
        await transport.sendMail({
          from,
          to: { name: '', address: to },
          messageId: `<${id}@${domain}>`,
          subject,
          text,
          textEncoding: language === 'zh-CN' ? 'base64' : 'quoted-printable',
          // No automatic answers to what a machine sends (RFC 3834).
          headers: { 'Auto-Submitted': 'auto-generated', 'Content-Language': language },
        });
        return 'sent';
      } catch (thrown) {
        return failureOf(thrown);
      }
    },
    close: () => transport.close(),
  };
}

/** What a code of the client means. Its messages are passed on to nobody: they repeat addresses. */
const faults: Readonly<Record<string, Fault>> = {
  EAUTH: 'server-refuses',
  ENOAUTH: 'server-refuses',
  EOAUTH2: 'server-refuses',
  ETLS: 'server-refuses',
  EREQUIRETLS: 'server-refuses',
  EENVELOPE: 'address-refused',
  EMESSAGE: 'message-refused',
};

function failureOf(thrown: unknown): Failure {
  if (!(thrown instanceof Error)) throw thrown;
  const code: unknown = Reflect.get(thrown, 'code');
  const answer: unknown = Reflect.get(thrown, 'responseCode');
  const command: unknown = Reflect.get(thrown, 'command');
  const fault = typeof code === 'string' ? faults[code] : undefined;
  // An answer of 400 to 499 asks to come again later, whatever it was about (RFC 5321).
  if (typeof answer === 'number' && answer < 500) return { fault: 'server-busy', lasting: false };
  switch (fault) {
    case 'address-refused':
      // Refused for its sender it is our configuration, which somebody may mend.
      return command === 'MAIL FROM' ? { fault: 'server-refuses', lasting: false } : { fault, lasting: true };
    case 'message-refused':
      return { fault, lasting: true };
    case undefined:
      return { fault: 'server-away', lasting: false };
    default:
      return { fault, lasting: false };
  }
}
