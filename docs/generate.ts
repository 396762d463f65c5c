/**
 * Makes docs/reference and the picture of the house from the code: `node docs/generate.ts` writes them, `--check` compares
 * them with what is there and names the files that drifted. Needs no network and no running system.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { descriptors } from '../libs/contracts/src/index.ts';
import { cliPage } from './generator/commands.ts';
import { configurationPage } from './generator/configuration.ts';
import { eventsPage } from './generator/events.ts';
import { houseOf } from './generator/house.ts';
import { root } from './generator/pages.ts';
import { pictureOf } from './generator/picture.ts';
import { rolesPage } from './generator/roles.ts';
import { grpcPage, httpPage } from './generator/routes.ts';

function documents(): Map<string, string> {
  const contracts = descriptors();
  return new Map([
    ['docs/reference/http.md', httpPage(contracts)],
    ['docs/reference/grpc.md', grpcPage(contracts)],
    ['docs/reference/events.md', eventsPage(contracts)],
    ['docs/reference/roles.md', rolesPage(contracts)],
    ['docs/reference/configuration.md', configurationPage()],
    ['docs/reference/cli.md', cliPage()],
    ['docs/images/house.svg', pictureOf(houseOf(contracts))],
  ]);
}

try {
  const made = documents();
  const drifted = [...made].filter(([path, content]) => {
    const file = join(root, path);
    return !existsSync(file) || readFileSync(file, 'utf8') !== content;
  });
  const names = drifted.map(([path]) => path);
  if (!process.argv.includes('--check')) {
    for (const [path, content] of drifted) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
    }
    console.log(names.length === 0 ? 'nothing changed' : `written: ${names.join(', ')}`);
  } else if (names.length > 0) {
    console.error(`not as the code says (run node docs/generate.ts):\n${names.join('\n')}`);
    process.exitCode = 1;
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
