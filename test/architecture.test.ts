/** The floors of the house, as src/README.md draws them. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';

const sources = readdirSync('src', { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => path.join(entry.parentPath, entry.name));

function offenders(pattern: RegExp, except: readonly string[] = []): string[] {
  return sources.filter((file) => !except.includes(file) && pattern.test(readFileSync(file, 'utf8')));
}

test('arrows point downward, there is no cycle, and vendors stay in their cellar', () => {
  const { status, stdout } = spawnSync(
    process.execPath,
    [
      'node_modules/dependency-cruiser/bin/dependency-cruise.mjs',
      'src',
      '--config',
      '.dependency-cruiser.mjs',
    ],
    { encoding: 'utf8' },
  );
  expect(stdout).toMatch(/no dependency violations found/);
  expect(status).toBe(0);
});

test('no file is longer than 250 lines', () => {
  const long = sources.filter((file) => readFileSync(file, 'utf8').trimEnd().split('\n').length > 250);
  expect(long).toEqual([]);
});

test('only config.ts reads the environment', () => {
  expect(offenders(/process\.env/, ['src/config.ts', 'src/media/config.ts'])).toEqual([]);
});

test('nobody writes to the console', () => {
  expect(offenders(/\bconsole\./)).toEqual([]);
});

test('no error is swallowed, no type is loosened, no rule is switched off', () => {
  expect(offenders(/catch\s*(\([^)]*\))?\s*\{\s*\}/)).toEqual([]);
  expect(offenders(/: any\b|as any\b|@ts-ignore|@ts-expect-error|eslint-disable/)).toEqual([]);
});

test('no drawer for leftovers: files are named after what they export', () => {
  expect(sources.filter((file) => /(^|\/)(types|utils?|helpers?|common|index)\.ts$/.test(file))).toEqual([]);
});

test('every rule of the specification is quoted by a test', () => {
  const spec = readFileSync('src/SPEC.md', 'utf8');
  const rules = [...spec.matchAll(/^\* \*\*([A-Z]\d+)\*\*/gm)].map(([, id]) => id ?? '');
  const differences = Array.from({ length: 15 }, (_, n) => `D${n + 1}`);
  const tests = ['test', 'infra/test']
    .flatMap((folder) =>
      existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : [],
    )
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && entry.name !== 'architecture.test.ts')
    .map((entry) => readFileSync(path.join(entry.parentPath, entry.name), 'utf8'))
    .join('\n');
  expect(rules.length).toBeGreaterThan(30);
  expect([...rules, ...differences].filter((id) => !tests.includes(`[${id}]`))).toEqual([]);
});
