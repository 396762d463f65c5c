import { randomInt } from 'node:crypto';
import { administratorOf, administratorsAccount, type FirstAdministrator } from '@bandeng/identity/administrator';
import { graphSource } from '@bandeng/orggraph';
import { administrators, appointAdministrator, missingAbove } from '@bandeng/orggraph/administrator';
import { type Environment, type House, visit } from '@bandeng/service';
import { Mendable } from './embedded/fault.ts';

/** What the first administrator is made of. */
export interface Appointment extends Omit<FirstAdministrator, 'password'> {
  /** Names of the province and the city, where they are not registered yet. */
  readonly province: string | undefined;
  readonly city: string | undefined;
  /** Whether the embedded provider signs people in, so that a password is needed. */
  readonly withPassword: boolean;
}

/** Who became administrator, and by which password they sign in the first time. */
export interface Appointed {
  readonly id: string;
  readonly password: string | undefined;
}

/**
 * Makes the first administrator of an installation, through the services' own commands, beside whatever runs. Only where there
 * is none; asked again before that person's first sign-in it answers another password. Throws `Mendable`.
 */
export function firstAdministrator(environment: Environment, appointment: Appointment): Promise<Appointed> {
  return visit('orggraph', environment, async (graph) => {
    const source = await graphSource(graph);
    return visit('identity', environment, (identity) => appoint(graph, identity, appointment), source);
  });
}

async function appoint(graph: House, identity: House, appointment: Appointment): Promise<Appointed> {
  const { login, withPassword } = appointment;
  const there = await administrators(graph);
  const own = administratorOf(login);
  const account = await administratorsAccount(identity);
  if (there.some((person) => person !== own)) {
    throw new Mendable('there is an administrator already: only they can give postings to others');
  }
  if (there.length > 0 && !(withPassword && (await account.neverUsed(own)))) {
    throw new Mendable(`${login} is administrator already`);
  }
  const names = namesOf(await missingAbove(graph, graph.city), graph.city, appointment);
  const password = withPassword ? oneTimePassword() : undefined;
  const registered = await account.register({ ...appointment, ...(password && { password }) });
  if ('refused' in registered) throw new Mendable(`${login} was not registered: ${wordsOf(registered.refused)}`);
  if (there.length === 0) {
    const refused = await appointAdministrator(graph, { person: registered.id, city: graph.city, names });
    if (refused !== undefined) throw new Mendable(`the posting was not started: ${refused.refused}`);
  }
  return { id: registered.id, password };
}

function namesOf(missing: readonly string[], cityCode: string, { province, city }: Appointment) {
  const given = missing.map((code) => [code, code === cityCode ? city : province] as const);
  const nameless = given.filter(([, name]) => !name).map(([code]) => (code === cityCode ? '--city' : '--province'));
  if (nameless.length > 0) {
    throw new Mendable(
      `territory ${missing.join(' and ')} is not registered yet: name it by ${nameless.join(' and ')}`,
    );
  }
  return Object.fromEntries(given.map(([code, name]) => [code, name ?? '']));
}

function wordsOf(refusal: string): string {
  if (refusal === 'login-taken') return 'somebody else signs in by that login';
  return refusal === 'erased' ? 'that account was erased; choose another login' : refusal;
}

/** Letters and digits that nobody mistakes for others: 20 of 30 kinds, 98 bits. */
function oneTimePassword(): string {
  const kinds = 'abcdefghjkmnpqrstvwxyz23456789';
  const group = () => Array.from({ length: 5 }, () => kinds[randomInt(kinds.length)]).join('');
  return [group(), group(), group(), group()].join('-');
}
