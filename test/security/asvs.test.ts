/** SECURITY.md against the numbers of OWASP ASVS 5.0.0, and against the tests that it names. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';

/** How many requirements each section has. */
const sections: readonly (readonly [section: string, requirements: number])[] = [
  ['V4.1', 5],
  ['V4.2', 5],
  ['V4.3', 2],
  ['V4.4', 4],
  ['V9.1', 3],
  ['V9.2', 4],
  ['V13.1', 4],
  ['V13.2', 6],
  ['V13.3', 4],
  ['V13.4', 7],
  ['V16.1', 1],
  ['V16.2', 5],
  ['V16.3', 4],
  ['V16.4', 3],
  ['V16.5', 4],
  ['V17.1', 2],
  ['V17.2', 8],
  ['V17.3', 2],
];
const ids = sections.flatMap(([section, count]) =>
  Array.from({ length: count }, (_, index) => `${section}.${String(index + 1)}`),
);

const text = readFileSync('SECURITY.md', 'utf8');
const lines = text
  .split('\n')
  .filter((line) => /^\| V\d/.test(line))
  .map((line) => {
    const [, id = '', asks = '', stands = '', shown = '', ...more] = line
      .split('|')
      .map((cell) => cell.trim());
    return { id, asks, stands, shown, more };
  });

const shownBy = /`((?:infra\/)?test\/[^`]+\.ts)`((?: \[[A-Z]\d+\])+)/g;
const reason = /^(Not applicable|Operator|Upstream|Not met): \S.{10,}/;

describe('every requirement of V4, V9, V13, V16 and V17', () => {
  test('[V14] has one line, in order', () => {
    expect(ids).toHaveLength(73);
    expect(lines.map(({ id }) => id)).toEqual(ids);
  });

  test.each(lines)('[V14] $id says what it asks for, where we stand, and by what that is shown', (line) => {
    const { id, asks, stands, shown, more } = line;
    expect(more).toEqual(['']);
    expect([id, asks.length > 5]).toEqual([id, true]);
    const tests = [...shown.matchAll(shownBy)];
    if (tests.length === 0) expect(shown).toMatch(reason);
    else {
      // Nothing but tests, each with its rules.
      expect(shown.replaceAll(shownBy, '').trim()).toBe('');
      expect(stands.length).toBeGreaterThan(2);
    }
  });

  test('[V14] names only tests that are there and quote the rule, which the specification has', () => {
    const spec = readFileSync('src/SPEC.md', 'utf8');
    const differences = readFileSync('src/dialects/README.md', 'utf8');
    const missing = lines.flatMap(({ id, shown }) =>
      [...shown.matchAll(shownBy)].flatMap(([, file = '', rules = '']) =>
        rules
          .trim()
          .split(' ')
          .filter((rule) => {
            const name = rule.slice(1, -1);
            const isRule = spec.includes(`* **${name}** `) || differences.includes(`| ${name} |`);
            return !isRule || !existsSync(file) || !readFileSync(file, 'utf8').includes(rule);
          })
          .map((rule) => `${id}: ${file} ${rule}`),
      ),
    );
    expect(missing).toEqual([]);
  });
});

test('[V14] rules and places that the threat model names are there', () => {
  const spec = readFileSync('src/SPEC.md', 'utf8');
  const named = [...text.matchAll(/\(([A-Z]\d+(?:, [A-Z]\d+)*)\)/g)].flatMap(([, rules = '']) =>
    rules.split(', '),
  );
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((rule) => !spec.includes(`* **${rule}** `))).toEqual([]);
  const places = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, place = '']) => place);
  expect(places.filter((place) => !existsSync(place))).toEqual([]);
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
  const anchors = [...text.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor = '']) => anchor);
  expect(anchors.filter((anchor) => !headings.includes(anchor))).toEqual([]);
});

test('[V14] every way for a secret to come is in the table of secrets', () => {
  const table = /## Secrets\n([^]*?)\n## /.exec(text)?.[1] ?? '';
  const names = /secretNames = \[([^\]]*)\]/.exec(readFileSync('src/config.ts', 'utf8'))?.[1] ?? '';
  const secrets = [...names.matchAll(/'(\w+)'/g)].map(([, name = '']) => name);
  expect(secrets.length).toBeGreaterThan(4);
  expect(secrets.filter((name) => !table.includes(`\`${name}\``))).toEqual([]);
});
