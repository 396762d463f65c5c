import { describe, expect, it } from 'vitest';
import { configure } from './config.ts';

describe('the configuration of identity', () => {
  it('stands on a socket behind the gateway by default', () => {
    expect(configure({ BANDENG_PORT: '9000' })).toMatchObject({
      issuer: 'http://localhost:9000/oidc',
      embedded: true,
      listen: { socketPath: '.bandeng/run/identity-oidc.sock' },
      signingKeys: { file: '.bandeng/data/keys/signing.json' },
      web: { redirectUris: ['http://localhost:9000/signed-in'], postLogoutRedirectUris: ['http://localhost:9000/'] },
    });
  });

  it('listens on every interface where the gateway looks for it by name', () => {
    const listen = (address: string) => configure({ BANDENG_IDENTITY_WEB: address }).listen;
    expect(listen('http://identity:8090')).toEqual({ host: '0.0.0.0', port: 8090 });
    expect(listen('http://127.0.0.1:8090')).toEqual({ host: '127.0.0.1', port: 8090 });
    expect(() => listen('identity:8090')).toThrow("BANDENG_IDENTITY_WEB is 'identity:8090'");
  });

  it('names an address that is none', () => {
    expect(() => configure({ BANDENG_WEB_REDIRECT_URIS: 'https://a.example/cb, b.example' })).toThrow("'b.example'");
  });
});
