import { layoutOf } from './layout.ts';
import { livingState } from './state.ts';

/** The gateway's address: BANDENG_URL, else that of the running installation, else the one that BANDENG_PORT says. */
export async function gatewayAddress(environment: Readonly<Record<string, string | undefined>>): Promise<string> {
  const layout = layoutOf(environment);
  const address =
    environment.BANDENG_URL || (await livingState(layout.run))?.address || `http://localhost:${layout.port}`;
  return address.replace(/\/+$/, '');
}

/** The issuer of tokens: BANDENG_ISSUER, else the embedded one behind the gateway. */
export async function issuerAddress(environment: Readonly<Record<string, string | undefined>>): Promise<string> {
  return environment.BANDENG_ISSUER || `${await gatewayAddress(environment)}/oidc`;
}
