import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { pythonJsonError, type JsonFault } from '../../../src/transport/http/python-json-error.js';

/** Asks the real json module, all texts in one process; `null` where Python has no complaint. */
function askPython(texts: readonly string[]): (JsonFault | null)[] {
  const program = `
import json, sys
def refuse(name): raise json.JSONDecodeError('not JSON', '', 0)
def fault(text):
    try:
        json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        return {'message': error.msg, 'offset': error.pos}
print(json.dumps([fault(text) for text in json.load(sys.stdin)]))
`;
  const run = spawnSync('/usr/bin/python3', ['-c', program], {
    input: JSON.stringify(texts),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  expect(run.stderr).toBe('');
  return JSON.parse(run.stdout) as (JsonFault | null)[];
}

/** Each message at least once, the corners of the C scanner, and positions behind characters outside the BMP. */
const corpus = [
  '',
  '   ',
  '\n\t\r ',
  '{',
  '{bad',
  "{'a':1}",
  '{"a"',
  '{"a" 1}',
  '{"a":',
  '{"a":}',
  '{"a":1',
  '{"a":1 "b":2}',
  '{"a":1,}',
  '{"a":1,,}',
  '{"a":1}}',
  '{,}',
  '[',
  '[1',
  '[1,',
  '[1,]',
  '[,1]',
  '[1 2]',
  '[1}',
  '[]]',
  '"abc',
  '"abc\\',
  '"\\x"',
  '"\\u',
  '"\\u12"',
  '"\\u12g4"',
  '"\\u1234',
  '"\\u1234"',
  '"\\ud83d\\u',
  '"\\ud83d\\u12"',
  '"\\ud83d\\ude00',
  '"\\ud83d\\ude00" ?',
  '"\\ud83d\\n" ?',
  '"a\u0001b"',
  '"a\nb"',
  '"a\u007fb" ?',
  '"😀" ?',
  '["😀é", "\\q"]',
  '"\\u😀12"',
  '"\\u1😀2',
  '1 2',
  '01',
  '-',
  '-a',
  '+1',
  '.5',
  '1.',
  '1.e3',
  '1e',
  '1e+',
  '1.5e-',
  '[-]',
  '[1.]',
  'nul',
  'nulL',
  'truee',
  'falsé',
  '\u00a0{}',
  '[1,\u00a02]',
  '{"a":{"b":[{"c":nope}]}}',
  '{"a":[1,{"b":2}',
];

const alphabet = [
  ...'{ } [ ] : , " \\ / a b f n r t u 0 1 9 - + . e E 😀 é null true \\u12'.split(' '),
  ' ',
  '\n',
  '\t',
  '\u0000',
];

describe('What Python says of text that is not JSON', () => {
  test('[H6] is said in the same words at the same place, for a corpus and some hundred mutations of JSON', () => {
    const mutated = fc
      .tuple(
        fc.json({ maxDepth: 4 }),
        fc.nat(),
        fc.nat({ max: 3 }),
        fc.array(fc.constantFrom(...alphabet), { maxLength: 3 }),
      )
      .map(([text, at, cut, put]) => {
        const start = at % (text.length + 1);
        return text.slice(0, start) + put.join('') + text.slice(start + cut);
      });
    const noise = fc.array(fc.constantFrom(...alphabet), { maxLength: 12 }).map((parts) => parts.join(''));
    const texts = [
      ...corpus,
      ...fc.sample(mutated, { numRuns: 600, seed: 20251104 }),
      ...fc.sample(noise, { numRuns: 600, seed: 20251105 }),
    ];

    const answers = askPython(texts);
    expect(texts.map((text) => ({ text, fault: pythonJsonError(text) ?? null }))).toEqual(
      texts.map((text, index) => ({ text, fault: answers[index] })),
    );
    const messages = new Set(answers.flatMap((answer) => (answer === null ? [] : [answer.message])));
    expect([...messages].sort()).toEqual(
      [
        "Expecting ',' delimiter",
        "Expecting ':' delimiter",
        'Expecting property name enclosed in double quotes',
        'Expecting value',
        'Extra data',
        'Invalid \\escape',
        'Invalid \\uXXXX escape',
        'Invalid control character at',
        'Unterminated string starting at',
      ].sort(),
    );
  });

  test('is nothing exactly when JavaScript can parse the text', () => {
    const anyText = fc.oneof(
      fc.json(),
      fc.string(),
      fc.array(fc.constantFrom(...alphabet)).map((a) => a.join('')),
    );
    fc.assert(
      fc.property(anyText, (text) => {
        const parses = ((): boolean => {
          try {
            JSON.parse(text);
            return true;
          } catch {
            return false;
          }
        })();
        expect(pythonJsonError(text) === undefined).toBe(parses);
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ['NaN', 0],
    ['[NaN]', 1],
    ['{"a":Infinity}', 5],
    ['[1, -Infinity]', 4],
  ])('[D7] calls %s malformed, which Python does not', (text, offset) => {
    expect(pythonJsonError(text)).toEqual({ message: 'Expecting value', offset });
  });

  test('does not overflow the stack on deep nesting', () => {
    const depth = 1_000_000;
    expect(pythonJsonError('['.repeat(depth))).toEqual({ message: 'Expecting value', offset: depth });
    expect(pythonJsonError('{"a":'.repeat(depth))).toEqual({ message: 'Expecting value', offset: depth * 5 });
    expect(pythonJsonError('['.repeat(depth) + ']'.repeat(depth))).toBeUndefined();
  });
});
