import { demoClients, demoPassword, planCity } from '@bandeng/city';
import { Mendable } from '../embedded/fault.ts';
import { gatewayAddress, issuerAddress } from '../gateway.ts';
import { signIn, signInSystem } from '../sign-in.ts';
import { type Command, readArguments } from './command.ts';

export const command: Command = {
  usage: 'token ROLE [--json]   (ROLE as in the table that `up` prints, or system)',
  async run(args) {
    const { values, positionals } = readArguments(args, { json: { type: 'boolean' } }, { least: 1, most: 1 });
    const role = positionals[0] ?? '';
    const issuer = await issuerAddress(process.env);
    const token = role === 'system' ? await tokenOfSystem(issuer) : await tokenOfLogin(issuer, role);
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
