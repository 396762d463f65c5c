import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rpcs } from '@bandeng/contracts';
import { rawClient, serviceTokens } from '@bandeng/rpc';
import { addressOf } from '@bandeng/service';
import { expect, it } from 'vitest';
import { keysOfForeignIssuer } from '../src/foreign-issuer.ts';
import { identity } from '../src/main.ts';
import { openStage, secret } from './stage.ts';

it("takes the tokens of a city's own issuer, and shows no sign-in page then", async () => {
  // The city's own: another provider of the same kind, which this identity knows by its address alone.
  const stage = await openStage({ onPort: true });
  const { issuer } = stage;
  const environment: Record<string, string> = {
    ...stage.environment,
    BANDENG_ISSUER: issuer,
    BANDENG_EMBEDDED_PROVIDER: 'off',
  };
  const running = await identity.start(environment);
  const asked = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`hotline:${encodeURIComponent(secret)}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  const { access_token } = Object(await asked.json());
  const file = join(environment.BANDENG_DATA ?? '', 'keys', 'service-gateway.jwk');
  const privateKey = JSON.parse(await readFile(file, 'utf8'));
  const client = rawClient({
    address: (service) => addressOf(service, environment),
    token: serviceTokens({ service: 'gateway', privateKey }),
  });
  const getMe = rpcs.find(({ name }) => name === 'GetMe');
  if (getMe === undefined) throw new Error('no RPC GetMe');
  const me = await client.call(getMe, {}, { headers: { authorization: `Bearer ${access_token}` } });
  expect(me.message).toMatchObject({ client: 'hotline', scopes: ['events', 'tickets.read'], territory: '4599' });
  await expect(readFile(join(environment.BANDENG_RUN ?? '', 'identity-oidc.sock'))).rejects.toThrow('ENOENT');
  client.close();
  await running.stop();
  await stage.close();
});

it('keeps to the keys it knows while the issuer is away, and trusts none that calls itself otherwise', async () => {
  const stage = await openStage({ onPort: true });
  const { issuer } = stage;
  let now = 0;
  const keySet = keysOfForeignIssuer(issuer, () => now);
  const known = await keySet();
  expect(known.keys).toHaveLength(2);
  const alias = keysOfForeignIssuer(issuer.replace('127.0.0.1', 'localhost'));
  await expect(alias()).rejects.toThrow('calls itself');
  await stage.close();
  now += 120_000;
  expect(await keySet()).toBe(known);
});
