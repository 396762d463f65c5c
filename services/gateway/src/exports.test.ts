import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { descriptors, leavesAsTable } from '@bandeng/contracts';
import { describe, expect, test } from 'vitest';
import { tables } from './export-columns.ts';
import { deliveryReasons } from './export-words.ts';
import { exportPlaces } from './exports.ts';

describe('a list that answers by pages', () => {
  test('has columns, unless the contracts say why it leaves as no table', () => {
    const lists = descriptors().rpcs.filter(leavesAsTable);
    const written = tables.map(({ rpc }) => `${rpc.service}.${rpc.name}`);
    expect(written.toSorted()).toEqual(lists.map(({ service, name }) => `${service}.${name}`).toSorted());
  });

  test('is found as a table at the places that the OpenAPI document names', () => {
    const document = JSON.parse(readFileSync(join(import.meta.dirname, '../../../proto/openapi.json'), 'utf8'));
    const named = Object.keys(document.paths).filter((path) => /\.(csv|xlsx)$/.test(path));
    expect(exportPlaces.map(({ url }) => url).toSorted()).toEqual(named.toSorted());
  });

  test('stands in the field of its answer that the table reads', () => {
    const missing = tables.filter(({ rpc, field }) => {
      const list = descriptors().rpcs.find(({ service, name }) => service === rpc.service && name === rpc.name);
      return !list?.descriptor.output.fields.some(
        ({ jsonName, fieldKind }) => jsonName === field && fieldKind === 'list',
      );
    });
    expect(missing).toEqual([]);
  });

  test('names each of its columns once, in both languages', () => {
    for (const { rpc, columns } of tables) {
      for (const language of [0, 1] as const) {
        const titles = columns.map(({ title }) => title[language]);
        expect(new Set(titles).size, rpc.name).toBe(titles.length);
      }
    }
  });
});

test('every reason why a delivery did not arrive has words', () => {
  const reason = descriptors().registry.getMessage('bandeng.notifications.v1.Delivery')?.field.reason;
  const named =
    reason === undefined
      ? []
      : descriptors()
          .comment(reason)
          .matchAll(/`([a-z-]+)`/g);
  expect(Object.keys(deliveryReasons).toSorted()).toEqual([...named].map(([, name]) => name).toSorted());
});
