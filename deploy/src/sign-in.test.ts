import { describe, expect, it } from 'vitest';
import { cookieJar } from './sign-in.ts';

const at = (path: string) => new URL(`http://localhost:8080${path}`);

describe('cookies of a sign-in', () => {
  it('go to the path they are for and to those below it', () => {
    const jar = cookieJar();
    jar.take(['session=1; path=/oidc; httponly', 'interaction=a=b; Path=/oidc/interaction/x']);
    expect(jar.header(at('/oidc/auth'))).toBe('session=1');
    expect(jar.header(at('/oidc/interaction/x'))).toBe('session=1; interaction=a=b');
    expect(jar.header(at('/oidc-other'))).toBe('');
  });

  it('are replaced, and forgotten when emptied or expired', () => {
    const jar = cookieJar();
    jar.take(['session=1; path=/', 'other=1; path=/']);
    jar.take(['session=2; path=/', 'other=; path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT']);
    expect(jar.header(at('/'))).toBe('session=2');
  });
});
