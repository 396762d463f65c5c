import { readdir, readFile, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { gatewayAddress } from '../gateway.ts';
import type { Installation } from '../installation.ts';
import { type Layout, root } from '../layout.ts';
import { holderOf } from '../port-holder.ts';
import { isAlive } from '../processes.ts';
import { bytesOf, type Check, type Finding, fail, note, ok, some, warn } from './finding.ts';

const LEAST_NODE = [24, 12];

/** What can be seen on this machine alone. */
export function machineChecks(installation: Installation): Check[] {
  const { layout } = installation;
  return [
    { name: 'versions', look: versions },
    { name: 'processes', look: () => processes(installation) },
    { name: 'gateway', look: () => gateway(installation) },
    { name: 'keys', look: () => keys(layout) },
    { name: 'disk of the data', look: () => disk(layout) },
  ];
}

async function versions(): Promise<Finding[]> {
  const read = (file: string): Promise<string> => readFile(join(root, file), 'utf8');
  const { version } = JSON.parse(await read('package.json'));
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [leastMajor = 0, leastMinor = 0] = LEAST_NODE;
  const isNew = major > leastMajor || (major === leastMajor && minor >= leastMinor);
  const says = `Bandeng ${version}, Node ${process.versions.node}`;
  const [locked, installed] = await Promise.all([
    read('package-lock.json'),
    read('node_modules/.bandeng-lock').catch(() => ''),
  ]);
  return [
    isNew ? ok('versions', says) : fail('versions', `${says}: ${LEAST_NODE.join('.')} or newer is needed`),
    locked === installed
      ? ok('packages', 'as locked')
      : warn('packages', "not those of package-lock.json: './bandeng' installs them at its next call"),
  ];
}

async function processes({ running }: Installation): Promise<Finding[]> {
  if (running === undefined) return [note('processes', 'no supervisor here: they are kept by somebody else')];
  const all = await Promise.all(
    Object.entries(running.processes).map(async ([name, mark]) => ({ name, alive: await isAlive(mark) })),
  );
  const dead = all.filter(({ alive }) => !alive).map(({ name }) => name);
  if (dead.length > 0) return [fail('processes', `${some(dead)} is started again, or should be`)];
  return [ok('processes', `${all.map(({ name }) => name).join(', ')} run`)];
}

async function gateway({ running, layout }: Installation): Promise<Finding[]> {
  const address = await gatewayAddress(layout.environment);
  const findings: Finding[] = [];
  const answer = await fetch(`${address}/readyz`, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined);
  const said = (await answer?.text().catch(() => '')) ?? '';
  if (answer?.ok) findings.push(ok('gateway', `${address} is ready`));
  else if (answer) findings.push(fail('gateway', `${address} is not ready: ${said.slice(0, 300)}`));
  else if (running) findings.push(fail('gateway', `${address} does not answer`));
  else findings.push(note('gateway', `${address} does not answer; BANDENG_URL says where it is`));
  findings.push(email(said));
  const holder = await holderOf(layout.port);
  const ours = Object.values(running?.processes ?? {}).some(({ pid }) => pid === holder?.pid);
  if (running && holder && !ours) {
    findings.push(fail('port', `${layout.port} is held by process ${holder.pid} (${holder.command})`));
  } else if (running) {
    findings.push(ok('port', holder ? `${layout.port} is ours` : `${layout.port} is held by another user's process`));
  }
  return findings;
}

/** Notices are in the inbox whatever becomes of the letters, so nothing is broken. */
function email(said: string): Finding {
  const state = /"email":"([a-z-]+)"/.exec(said)?.[1];
  switch (state) {
    case undefined:
    case 'unknown':
      return note('e-mail', 'nobody tells how it stands');
    case 'off':
      return note('e-mail', 'off: BANDENG_SMTP_URL is not set for notifications');
    case 'untried':
      return ok('e-mail', 'configured; nothing has been sent yet');
    case 'works':
      return ok('e-mail', 'the mail server took the last letter');
    default:
      return warn('e-mail', `the last letter was not taken: ${state}`);
  }
}

/** Others may read neither the folder nor a key in it. */
async function keys({ data }: Layout): Promise<Finding[]> {
  const folder = join(data, 'keys');
  const names = await readdir(folder).catch(() => undefined);
  if (names === undefined) return [note('keys', `there is no ${folder}: they are given by configuration`)];
  const paths = [folder, ...names.map((name) => join(folder, name))];
  const modes = await Promise.all(paths.map(async (path) => ({ path, mode: (await stat(path)).mode & 0o777 })));
  const open = modes.filter(({ mode }) => (mode & 0o077) !== 0);
  if (open.length === 0) return [ok('keys', `${names.length} in ${folder}, readable by their owner alone`)];
  const said = open.map(({ path, mode }) => `${path} has mode ${mode.toString(8)}`);
  return [fail('keys', `others can read them: ${some(said)}; chmod -R go= ${folder}`)];
}

async function disk({ data }: Layout): Promise<Finding[]> {
  const found = await statfs(data).catch(() => undefined);
  if (found === undefined) return [note('disk of the data', `there is no ${data}`)];
  return [roomOf('disk of the data', found.bavail * found.bsize, found.blocks * found.bsize)];
}

const FULL = 1e9;
const SOON_FULL = 5e9;

/** What is left, judged by what a day of a large city takes. */
export function roomOf(check: string, free: number, all: number): Finding {
  const says = `${bytesOf(free)} of ${bytesOf(all)} are free`;
  if (free < FULL) return fail(check, `${says}: almost full`);
  return free < SOON_FULL ? warn(check, `${says}: soon full`) : ok(check, says);
}
