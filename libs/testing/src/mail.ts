import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

/** A letter as a mail server got it. */
export interface Mail {
  readonly to: string;
  readonly from: string;
  /** Message-ID, without its brackets. */
  readonly id: string;
  readonly subject: string;
  readonly text: string;
  /** Everything as it came over the wire. */
  readonly raw: string;
}

/** A real SMTP server on loopback that keeps what it gets. */
export interface MailSink extends AsyncDisposable {
  /** `smtp://127.0.0.1:<port>` */
  readonly url: string;
  readonly mails: readonly Mail[];
  /** From now on it answers so to this address, 550 or 450 for example; 250 takes it again. */
  answer(address: string, code: number): void;
  /** Runs before it takes a letter; what it throws breaks the connection. */
  onLetter(act: (mail: Mail) => void | Promise<void>): void;
  /** Nobody answers any more, until it is back at the same address. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts one on a free port. */
export async function mailSink(): Promise<MailSink> {
  const mails: Mail[] = [];
  const answers = new Map<string, number>();
  let act: (mail: Mail) => void | Promise<void> = () => {};

  const open = (port: number): Promise<SMTPServer> => {
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS', 'AUTH'],
      onRcptTo({ address }, _session, done) {
        const code = answers.get(address) ?? 250;
        done(code < 400 ? undefined : Object.assign(new Error('not here'), { responseCode: code }));
      },
      onData(stream, { envelope }, done) {
        const parts: Buffer[] = [];
        stream.on('data', (part: Buffer) => parts.push(part));
        stream.on('end', async () => {
          const [to] = envelope.rcptTo;
          const from = envelope.mailFrom === false ? '' : (envelope.mailFrom?.address ?? '');
          const mail = { to: to?.address ?? '', from, ...opened(Buffer.concat(parts).toString()) };
          try {
            await act(mail);
            mails.push(mail);
            done();
          } catch {
            for (const connection of server.connections) connection.close();
          }
        });
      },
    });
    server.on('error', () => {}); // connections that others break off
    return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(server)));
  };
  const close = (server: SMTPServer): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

  let server: SMTPServer | undefined = await open(0);
  const { port } = server.server.address() as AddressInfo;
  const goAway = async (): Promise<void> => {
    const leaving = server;
    server = undefined;
    if (leaving) await close(leaving);
  };
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    answer: (address, code) => void answers.set(address, code),
    onLetter: (next) => {
      act = next;
    },
    goAway,
    comeBack: async () => {
      server ??= await open(port);
    },
    stop: goAway,
    [Symbol.asyncDispose]: goAway,
  };
}

/** The parts of a letter that tests look at. Only what our letters are made of: one part of text, encoded headers. */
function opened(raw: string): Pick<Mail, 'id' | 'subject' | 'text' | 'raw'> {
  const end = raw.indexOf('\r\n\r\n');
  const headers = raw.slice(0, end).replaceAll(/\r\n[ \t]+/g, ' ');
  const header = (name: string): string => new RegExp(`^${name}: *(.*)$`, 'im').exec(headers)?.[1] ?? '';
  const body = raw.slice(end + 4);
  const encoding = header('Content-Transfer-Encoding').toLowerCase();
  const text =
    encoding === 'base64'
      ? Buffer.from(body, 'base64').toString()
      : encoding === 'quoted-printable'
        ? unquoted(body.replaceAll('=\r\n', ''))
        : body;
  return { id: header('Message-ID').replaceAll(/[<>]/g, ''), subject: decoded(header('Subject')), text, raw };
}

/** Encoded words of RFC 2047; the blank between two of them is none. */
function decoded(value: string): string {
  return value
    .replaceAll(/\?= +=\?/g, '?==?')
    .replaceAll(/=\?utf-8\?([BQ])\?([^?]*)\?=/gi, (_, form: string, content: string) =>
      form.toUpperCase() === 'B' ? Buffer.from(content, 'base64').toString() : unquoted(content.replaceAll('_', ' ')),
    );
}

function unquoted(text: string): string {
  const bytes = text.replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}
