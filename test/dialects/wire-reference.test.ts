/** The wire reference names what there is. */
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { verbs } from '../../src/dialects/flat/verbs.js';
import { noticeNames } from '../../src/dialects/notice-names.js';
import { errorTable } from '../../src/protocol/errors.js';

const readme = readFileSync('src/dialects/README.md', 'utf8');
/** Families that are documented by what they begin with. */
const families = ['file-share-', 'e2ee-', 'breakout-room-', 'live-stream-'];

test('every verb of the flat dialect', () => {
  expect([...verbs.keys()].filter((verb) => !readme.includes(`\`${verb}`))).toEqual([]);
});

test('every code of an error', () => {
  expect(Object.keys(errorTable).filter((code) => !readme.includes(`\`${code}\``))).toEqual([]);
});

test('every notice', () => {
  const shown = (name: string): string => families.find((family) => name.startsWith(family)) ?? name;
  const names = [...noticeNames.keys()].map((name) => name.replaceAll('_', '-'));
  expect(names.filter((name) => !readme.includes(`\`${shown(name)}`))).toEqual([]);
});
