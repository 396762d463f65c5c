import { demoClients, demoPassword, planCity } from '@bandeng/city';
import { Mendable } from '../embedded/fault.ts';
import { gatewayAddress, issuerAddress } from '../gateway.ts';
import { signIn, signInSystem } from '../sign-in.ts';
import { askSecretly } from './asking.ts';
import { type Command, readArguments, WrongUse } from './command.ts';

const flags = {
  json: { type: 'boolean' },
  login: { type: 'string' },
  'new-password': { type: 'boolean' },
} as const;

export const command: Command = {
  usage:
    'token ROLE [--json] | token --login LOGIN [--new-password] [--json]   (ROLE as in the table that `up` prints, or ' +
    'system; of any other login the password is asked for, or read from standard input)',
  async run(args) {
    const { values, positionals } = readArguments(args, flags, { least: 0, most: 1 });
    const { login } = values;
    const [role = login] = positionals;
    if (role === undefined) throw new WrongUse('something is missing');
    if (login !== undefined && positionals.length > 0) throw new WrongUse('a role or a login, not both');
    if (values['new-password'] && login === undefined) throw new WrongUse('the demo logins keep their password');
    const issuer = await issuerAddress(process.env);
    const token =
      login !== undefined
        ? await tokenOfPerson(issuer, login, values['new-password'] === true)
        : role === 'system'
          ? await tokenOfSystem(issuer)
          : await tokenOfLogin(issuer, role);
    if (!values.json) {
      console.log(token);
      return 0;
    }
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    const expires = new Date(exp * 1000).toISOString();
    console.log(JSON.stringify({ role, token, expires, gateway: await gatewayAddress(process.env) }, null, 2));
    return 0;
  },
};

/** A password that works once is followed by the one that replaces it. */
async function tokenOfPerson(issuer: string, login: string, another: boolean): Promise<string> {
  const [password = '', chosen] = await askSecretly('password', ...(another ? ['new password'] : []));
  return signIn(issuer, login, password, chosen);
}

async function tokenOfSystem(issuer: string): Promise<string> {
  const client = demoClients.find(({ scopes }) => scopes.includes('events'));
  if (!client) throw new Error('the demo city has no system that reads events');
  return signInSystem(issuer, client.id, client.secret);
}

async function tokenOfLogin(issuer: string, role: string): Promise<string> {
  const roles = demoRoles();
  if (!roles.includes(role))
    throw new Mendable(`there is no demo login '${role}'; there are: ${roles.join(', ')}, system`);
  return signIn(issuer, role, demoPassword);
}

/** The roles that every demo city has a login for; the login is called like the role. */
function demoRoles(): string[] {
  return planCity({ scale: 0.02, now: new Date() }).logins.map(({ login }) => login);
}
