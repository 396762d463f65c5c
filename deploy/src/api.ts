/** What the gateway answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The JSON of the answer, or its text. */
  // biome-ignore lint/suspicious/noExplicitAny: whoever asks knows what comes
  readonly body: any;
}

/** One server-sent event. */
export interface Heard {
  readonly id: string;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: whoever listens knows what comes
  readonly data: any;
}

/** A stream of server-sent events that is being heard. */
export interface Listener {
  /** Settles when the stream says where it stands: what happens from then on comes. */
  readonly begun: Promise<void>;
  /** What has come so far, oldest first. */
  readonly heard: readonly Heard[];
  close(): Promise<void>;
}

/** Somebody who calls the gateway, with a token or as a guest. */
export interface Caller {
  readonly token: string | undefined;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  /** Posts JSON; text and bytes are sent as they are. */
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Opens a stream of server-sent events; throws unless it is answered 200. */
  listen(path: string, headers?: Record<string, string>): Promise<Listener>;
}

/** A caller of the gateway at an address. */
export function callerAt(address: string, token: string | undefined): Caller {
  const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const call = async (
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string>,
  ): Promise<Answer> => {
    const json: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const asIs = typeof body === 'string' || body instanceof Uint8Array;
    const answer = await fetch(address + path, {
      method,
      headers: { ...authorization, ...json, ...headers },
      ...(body === undefined ? {} : { body: asIs ? Buffer.from(body) : JSON.stringify(body) }),
    });
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.includes('json') ?? false;
    return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : text };
  };
  return {
    token,
    get: (path, headers = {}) => call('GET', path, undefined, headers),
    post: (path, body = {}, headers = {}) => call('POST', path, body, headers),
    async listen(path, headers = {}) {
      const leave = new AbortController();
      const options = { headers: { ...authorization, accept: 'text/event-stream', ...headers }, signal: leave.signal };
      const answer = await fetch(address + path, options);
      if (answer.status !== 200 || answer.body === null) {
        throw new Error(`${path} answers ${answer.status}: ${await answer.text()}`);
      }
      const heard: Heard[] = [];
      const begun = Promise.withResolvers<void>();
      const listening = hear(answer.body, heard, begun.resolve).catch(() => {}); // leaving ends it
      return {
        begun: begun.promise,
        heard,
        async close() {
          leave.abort();
          await listening;
        },
      };
    },
  };
}

async function hear(stream: ReadableStream<Uint8Array>, heard: Heard[], placed: () => void): Promise<void> {
  const text = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    rest += text.decode(chunk, { stream: true });
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const lines = rest.slice(0, end).split('\n');
      rest = rest.slice(end + 2);
      const field = (name: string): string =>
        lines
          .filter((line) => line.startsWith(`${name}:`))
          .map((line) => line.slice(name.length + 1).trimStart())
          .join('\n');
      if (field('id') !== '') placed();
      if (field('data') !== '') {
        heard.push({ id: field('id'), event: field('event'), data: JSON.parse(field('data')) });
      }
    }
  }
}
