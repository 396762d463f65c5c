import Fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { atTheEndOfTheTurn } from './gateway.ts';

async function opened() {
  const faults: unknown[] = [];
  const app = Fastify();
  app.addHook('onSend', atTheEndOfTheTurn({ error: (about) => faults.push(about) }));
  app.get('/text', async () => 'said');
  app.get('/bytes', async (_request, reply) => reply.send(Buffer.from('bytes')));
  app.get('/unsayable', async (_request, reply) => reply.header('x-name', 'one\ntwo').send('never'));
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return { faults, get: (path: string) => fetch(`${url}${path}`), close: () => app.close() };
}

describe('what is written at the end of the turn', () => {
  it('arrives as it was said, together with what else is answered', async () => {
    const { faults, get, close } = await opened();
    const answers = await Promise.all(['/text', '/bytes', '/text'].map(get));
    expect(await Promise.all(answers.map((answer) => answer.text()))).toEqual(['said', 'bytes', 'said']);
    expect(faults).toEqual([]);
    await close();
  });

  it('breaks the connection off when it cannot be written, tells why, and the others go on', async () => {
    const { faults, get, close } = await opened();
    await expect(get('/unsayable')).rejects.toThrow();
    expect(faults).toMatchObject([{ err: { code: 'ERR_INVALID_CHAR' } }]);
    expect(await (await get('/text')).text()).toBe('said');
    await close();
  });
});
