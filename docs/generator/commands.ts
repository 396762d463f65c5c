import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { code, page, root, table } from './pages.ts';

function told(...args: string[]): string {
  const node = ['--disable-warning=ExperimentalWarning', join(root, 'deploy/src/cli/main.ts'), ...args];
  return execFileSync(process.execPath, node, { cwd: root, encoding: 'utf8' });
}

/** The command line, as it describes itself. */
export function cliPage(): string {
  const commands = [...told('help').matchAll(/^ {2}(\S+) +(.+)$/gm)];
  const rows = commands.map(([, name = '', what = '']) => {
    const usage = told(name, '--help').trim().replace('usage: ./bandeng ', '');
    const [form = '', note = ''] = usage.split(/ {3}(?=\()/);
    // What stands in brackets belongs to one form.
    return [
      form
        .split(/ \| (?![^[]*\])/)
        .map(code)
        .join('<br>'),
      `${what} ${note}`.trim(),
    ];
  });
  return page(
    'Command line',
    'Called as `./bandeng COMMAND …`. `./bandeng help` lists the commands, `./bandeng COMMAND --help` says how one is called. What they do in detail: [deploy](../../deploy/README.md).',
    table(['command', 'what it does'], rows),
    table(
      ['exit code', 'meaning'],
      [
        ['0', 'done'],
        ['1', 'could not be done; the message says why'],
        ['2', 'called in a wrong way; the usage is printed'],
        ['3', '`status`: not running'],
      ],
    ),
    '`./bandeng exec TOOL …` runs any tool under the Node and the packages of the project.',
  );
}
