import { isIP } from 'node:net';
import { join } from 'node:path';
import {
  ConfigurationFault,
  type Environment,
  issuerOf,
  numberSetting,
  switchSetting,
  textSetting,
} from '@bandeng/service';
import type { WebClient } from './oidc-clients.ts';
import type { ProviderOptions } from './provider.ts';

/** What identity can be told from outside. */
export interface Configuration {
  readonly issuer: string;
  /** Off: the city's own issuer signs people in; its keys are read from its discovery document. */
  readonly embedded: boolean;
  readonly listen: ProviderOptions['listen'];
  readonly signingKeys: { readonly json?: string; readonly file: string };
  readonly accessTokenSeconds: number;
  readonly web: WebClient;
}

export function configure(environment: Environment): Configuration {
  const issuer = issuerOf(environment);
  const json = textSetting(environment, 'BANDENG_SIGNING_KEYS', '');
  const data = textSetting(environment, 'BANDENG_DATA', '.bandeng/data');
  return {
    issuer,
    embedded: switchSetting(environment, 'BANDENG_EMBEDDED_PROVIDER', true),
    listen: listenOn(environment),
    signingKeys: { ...(json === '' ? {} : { json }), file: join(data, 'keys', 'signing.json') },
    accessTokenSeconds: numberSetting(environment, 'BANDENG_ACCESS_TOKEN_SECONDS', 15 * 60, {
      least: 60,
      most: 24 * 3600,
    }),
    web: webClient(environment, new URL(issuer).origin),
  };
}

/** Where the gateway looks for the sign-in pages. An address by name is somebody else's view of every interface here. */
function listenOn(environment: Environment): ProviderOptions['listen'] {
  const run = textSetting(environment, 'BANDENG_RUN', '.bandeng/run');
  const address = textSetting(environment, 'BANDENG_IDENTITY_WEB', `unix:${join(run, 'identity-oidc.sock')}`);
  if (address.startsWith('unix:')) return { socketPath: address.slice('unix:'.length) };
  const url = URL.parse(address);
  if (url?.protocol !== 'http:' || url.port === '') {
    throw new ConfigurationFault(`BANDENG_IDENTITY_WEB is '${address}': unix:<path> or http://<host>:<port> is needed`);
  }
  return { port: Number(url.port), host: isIP(url.hostname) === 0 ? '0.0.0.0' : url.hostname };
}

/** The console stands at the gateway's own origin unless it is said otherwise. */
function webClient(environment: Environment, origin: string): WebClient {
  return {
    redirectUris: addresses(environment, 'BANDENG_WEB_REDIRECT_URIS', `${origin}/signed-in`),
    postLogoutRedirectUris: addresses(environment, 'BANDENG_WEB_SIGNED_OUT_URIS', `${origin}/`),
  };
}

function addresses(environment: Environment, name: string, standard: string): string[] {
  const all = textSetting(environment, name, standard)
    .split(/[\s,]+/)
    .filter((address) => address !== '');
  for (const address of all) {
    if (URL.canParse(address)) continue;
    throw new ConfigurationFault(`${name} holds '${address}': whole addresses, separated by commas, are needed`);
  }
  return all;
}
