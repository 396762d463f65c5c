import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

test('the launcher runs no Node that is not the one that was tried, and keeps nothing of it', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bandeng-launcher-'));
  try {
    // A registry that gives something else under the version that was asked for.
    const npm = '#!/bin/sh\nfor wanted; do :; done\nprintf other > "$(printf %s "$wanted" | tr @ -).tgz"\n';
    writeFileSync(join(directory, 'npm'), npm, { mode: 0o755 });
    const path = [directory, dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter);
    const cache = join(directory, 'cache');
    const { status, stderr, stdout } = spawnSync(join(root, 'bandeng'), ['exec', 'node', '--version'], {
      env: { PATH: path, XDG_CACHE_HOME: cache },
      encoding: 'utf8',
    });
    expect(stderr).toMatch(/node-linux-\S+ \d+\.\d+\.\d+ has checksum \S+ instead of \S+; not using it/);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(readdirSync(join(cache, 'bandeng'))).toEqual([]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
