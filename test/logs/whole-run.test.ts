/**
 * After all other tests of `npm test`: no log that any of their servers wrote, at level debug, has a token, SDP, a
 * candidate, a credential, or what somebody said.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { beforeAll, expect, test } from '@jest/globals';
import { Search } from './search.js';

const folder = process.env['TEST_LOGS'] ?? '';
let files: readonly string[] = [];

function namesOf(prefix: string): string[] {
  return files.filter((file) => path.basename(file).startsWith(prefix));
}

beforeAll(() => {
  if (folder === '')
    throw new Error('There are no logs to look at: this is run by `npm test`, behind all other tests.');
  files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(folder, name))
    .filter((file) => statSync(file).isFile());
});

/** The name of the event; the line itself may hold a secret. */
function eventOf(line: string): string {
  return /"event":"(\w+)"/.exec(line)?.[1] ?? 'a line without an event';
}

test('[K4] the servers of all tests have written logs and audit trails, and secrets are known', () => {
  const logs = namesOf('in-process').map((file) => readFileSync(file, 'utf8'));
  for (const sign of ['"log":"audit"', '"level":"debug"', '"event":"joined"', '"event":"listening"'])
    expect(logs.some((text) => text.includes(sign))).toBe(true);
  // Those of the chaos tests.
  expect(files.some((file) => file.includes('/run-'))).toBe(true);
  const kinds = new Set(secrets().map(([kind]) => kind));
  for (const kind of ['id_token', 'token', 'resume_token', 'credential', 'content'])
    expect([...kinds]).toContain(kind);
});

function secrets(): (readonly [string, string])[] {
  return namesOf('secrets').flatMap((file) =>
    readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as readonly [string, string]),
  );
}

test('[K4] no line of them has what no log may have', () => {
  const search = new Search(secrets());
  const hits = new Map<string, number>();
  for (const file of files) {
    if (path.basename(file).startsWith('secrets')) continue;
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      for (const { kind } of search.in(line)) {
        const hit = `${kind} in ${path.relative(folder, file)}, event ${eventOf(line)}`;
        hits.set(hit, (hits.get(hit) ?? 0) + 1);
      }
    }
  }
  expect([...hits].map(([hit, count]) => `${hit}, ${count} times`)).toEqual([]);
}, 300_000);
