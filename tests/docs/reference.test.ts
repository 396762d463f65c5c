import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { descriptors, rpcs } from '@bandeng/contracts';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { productionSources, undocumented } from '../../docs/generator/configuration.ts';
import { eventsPage } from '../../docs/generator/events.ts';
import { houseOf } from '../../docs/generator/house.ts';
import { pictureOf } from '../../docs/generator/picture.ts';
import { httpPage } from '../../docs/generator/routes.ts';
import { settings } from '../../docs/generator/settings.ts';

const root = join(import.meta.dirname, '../..');
const contracts = descriptors();

describe('configuration', () => {
  test('every variable that a source reads has its row, and no row is of a variable that nothing reads', () => {
    expect(undocumented(productionSources())).toEqual([]);
  });

  test('every key that a source asks for is named', () => {
    const row = settings.find(({ name }) => name === 'BANDENG_KEY_<NAME>');
    const asked = productionSources().flatMap(({ text }) => [...text.matchAll(/\bkeys\.secret\('([a-z-]+)'\)/g)]);
    const names = [...new Set(asked.map(([, name = '']) => name.toUpperCase().replaceAll('-', '_')))];
    expect(names).toContain('PAGES');
    expect(names.filter((name) => !row?.meaning.includes(`\`${name}\``))).toEqual([]);
  });

  test('a variable without a row is found, whether read by its name or put together', () => {
    const rows = [{ name: 'BANDENG_<SERVICE>_ADDRESS', by: 'gateway' as const, meaning: '' }];
    const placeholder = '$'.concat('{service.toUpperCase()}');
    const text = `textSetting(environment, \`BANDENG_${placeholder}_ADDRESS\`); process.env.BANDENG_COLOUR`;
    expect(undocumented([{ path: 'a.ts', text }], rows)).toEqual([
      'a.ts reads BANDENG_COLOUR, which has no row in docs/generator/settings.ts',
    ]);
    expect(undocumented([{ path: 'a.ts', text: '' }], rows)).toEqual([
      'docs/generator/settings.ts has BANDENG_<SERVICE>_ADDRESS, which nothing reads',
    ]);
  });
});

describe('events', () => {
  const ajv = new Ajv2020({ strict: false, formats: { 'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ } });
  const examples = [...eventsPage(contracts).matchAll(/```json\n([\s\S]*?)```/g)].map(([, text = '']) =>
    JSON.parse(text),
  );

  test('every public event has an example', () => {
    expect(examples.map(({ type }) => type).sort()).toEqual(contracts.events.map(({ type }) => type).sort());
  });

  test.each(contracts.events.map(({ name, type }) => [name, type]))(
    'the example of %s is as its schema says',
    (name, type) => {
      const validate = ajv.compile(JSON.parse(readFileSync(join(root, `proto/schemas/${name}.v1.json`), 'utf8')));
      validate(examples.find((example) => example.type === type));
      expect(validate.errors ?? []).toEqual([]);
    },
  );
});

describe('the reference', () => {
  test('names every route', () => {
    const page = httpPage(contracts);
    for (const { http } of rpcs) if (http !== undefined) expect(page).toContain(`${http.verb} \`${http.path}\``);
    expect(page).toContain('GET `/v1/events` | system whose token has the scope `events`');
    expect(page).toMatch(/POST `\/v1\/tickets\/\{id\}\/evidence` \| `tickets.attach` .*`file-type-not-taken`/);
    expect(page).toContain('GET `/v1/tickets/{id}/evidence/{file}` | `tickets.read`');
  });

  test('explains every refusal that a route names', () => {
    const page = httpPage(contracts);
    const named = rpcs.flatMap(({ comment }) => {
      const [, list = ''] = comment.replaceAll('\n', ' ').split('Refused: ');
      return [...list.matchAll(/`([a-z]+(?:-[a-z]+)+)`/g)].map(([, name = '']) => name);
    });
    const unexplained = [...new Set(named)].filter((name) => !page.includes(`| \`${name}\` | 4`));
    expect(unexplained).toEqual([]);
  });

  test('draws every service, and who reacts to whom', () => {
    const house = houseOf(contracts);
    const picture = pictureOf(house);
    for (const { name } of house.services) expect(picture).toContain(`>${name}</text>`);
    expect(house.services.find(({ name }) => name === 'notifications')?.reactsTo).toContain('tickets');
    expect(house.services.find(({ name }) => name === 'tickets')?.calls).toContain('identity');
    expect(house.callsOfAll).toEqual(['identity', 'orggraph']);
  });
});

describe('pages', () => {
  const pages = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => join('docs', path));

  test.each(pages)('every link in %s leads somewhere', (page) => {
    const text = readFileSync(join(root, page), 'utf8').replaceAll(/```[\s\S]*?```/g, '');
    const links = [...text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link);
    const dead = links.filter((link) => !/^https?:/.test(link) && !existsSync(join(root, dirname(page), link)));
    expect(dead).toEqual([]);
  });

  test('every page is reached from the first', () => {
    const reached = new Set<string>();
    const follow = (page: string): void => {
      if (reached.has(page) || !page.endsWith('.md') || !page.startsWith('docs/')) return;
      reached.add(page);
      const links = readFileSync(join(root, page), 'utf8').matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g);
      for (const [, link = ''] of links) follow(join(dirname(page), link));
    };
    follow('docs/README.md');
    expect(pages.filter((page) => !reached.has(page))).toEqual([]);
  });

  test('there is a picture of the house', () => {
    expect(existsSync(join(root, 'docs/images/house.svg'))).toBe(true);
  });
});
