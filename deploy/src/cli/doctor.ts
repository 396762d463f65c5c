import { serversOf } from '@bandeng/events';
import type { Service } from '@bandeng/service';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { type Check, type Finding, fail, look, note } from '../doctor/finding.ts';
import { all, databaseContentChecks, historyChecks, sampled } from '../doctor/keeping.ts';
import { machineChecks } from '../doctor/machine.ts';
import { busChecks, databaseChecks } from '../doctor/servers.ts';
import { messageOf } from '../embedded/fault.ts';
import { type Installation, installationOf, openDatabases } from '../installation.ts';
import { type Command, readArguments } from './command.ts';
import { plain } from './table.ts';

const WITHIN_MS = 30_000;

/** Exit codes: 0 when nothing is broken, 1 when something is. */
export const command: Command = {
  usage: 'doctor [--all] [--json]   (--all: every history and every message, not a sample)',
  async run(args) {
    const { values } = readArguments(args, { all: { type: 'boolean' }, json: { type: 'boolean' } });
    const installation = await installationOf(process.env);
    const findings: Finding[] = [];
    const tell = (found: readonly Finding[]): void => {
      findings.push(...found);
      if (!values.json) for (const finding of found) console.log(lineOf(finding));
    };
    await examine(installation, values.all ?? false, tell);
    const broken = findings.filter(({ verdict }) => verdict === 'FAIL').length;
    if (values.json) console.log(JSON.stringify(findings, null, 2));
    else console.log(`\n${findings.length} looked at, ${broken === 0 ? 'nothing is broken' : `${broken} broken`}`);
    return broken === 0 ? 0 : 1;
  },
};

function lineOf({ check, verdict, says }: Finding): string {
  return `${verdict.padEnd(4)}  ${check.padEnd(30)}  ${plain(says)}`;
}

async function examine(
  installation: Installation,
  thoroughly: boolean,
  tell: (found: readonly Finding[]) => void,
): Promise<void> {
  const each = async (checks: readonly Check[]): Promise<void> => {
    for (const check of checks) tell(await look(check, WITHIN_MS));
  };
  await each(machineChecks(installation));
  await using databases = openDatabases(installation);
  const mongodb = await databases.of('tickets').then(
    () => true,
    (thrown: unknown) => {
      tell([fail('mongod', messageOf(thrown))]);
      return false;
    },
  );
  if (mongodb) {
    await each(databaseChecks(installation, databases));
    await each(databaseContentChecks(databases));
  }
  const connection = await connectNats(installation.natsUrl).catch((thrown: unknown) => {
    tell([fail('nats-server', `it cannot be reached: ${messageOf(thrown)}`)]);
    return undefined;
  });
  if (connection !== undefined) {
    await each(busChecks(installation, connection));
    await connection.close();
  }
  if (mongodb) {
    // However long that takes where everything is looked at.
    for (const check of historyChecks(await servicesOf(), installation, thoroughly ? all : sampled)) {
      tell(await look(check, thoroughly ? undefined : WITHIN_MS));
    }
  } else {
    tell([note('histories', 'not looked at')]);
  }
}

/** Their code is loaded only when it is needed. */
async function servicesOf(): Promise<readonly Service[]> {
  const { allServices } = await import('../all-in-one.ts');
  return allServices();
}

function connectNats(url: string): Promise<NatsConnection> {
  return connect({ ...serversOf(url), timeout: 3_000, reconnect: false, noAsyncTraces: true });
}
