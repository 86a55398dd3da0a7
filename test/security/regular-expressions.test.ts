/** Every regular expression of the sources, fed with what makes bad ones take forever. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import vm from 'node:vm';
import { expect, test } from '@jest/globals';
import ts from 'typescript';

/** Eight times what the longest header has: where each character costs a look at all others, that is 17 thousand million. */
const length = 131_072;
/** Of a processor's time, whoever else uses it. Honest ones take a hundredth of it. */
const guardMs = 5_000;

interface Found {
  readonly file: string;
  readonly text: string;
}

/** Literals and `new RegExp`; the latter by the text of its argument. */
function regularExpressions(): readonly Found[] {
  const found: Found[] = [];
  for (const name of readdirSync('src', { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue;
    const file = path.join('src', name);
    const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
    const visit = (node: ts.Node): void => {
      if (ts.isRegularExpressionLiteral(node)) found.push({ file, text: node.text });
      if (ts.isNewExpression(node) && node.expression.getText() === 'RegExp')
        found.push({ file, text: node.getText() });
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return found;
}

/** Made at run time, of nothing that a client sends: looked at by eye. */
const composed = ['new RegExp(`^\\\\d{1,${String(most)}}$`)'];
/** What is cut to a length of its own before: by how much. Longer texts never meet them. */
const bounded: Readonly<Record<string, number>> = { 'src/protocol/secret.ts': 4_000 };

const all = regularExpressions();
const literals = all.filter(({ text }) => text.startsWith('/'));

/** One character of it, or a word of it, again and again, and something at the end that fits nothing. */
function attacks(text: string, most: number): string[] {
  const plain = text.replace(/\\./g, '');
  const signs = Array.from(`${plain} \t\r\n/aA0.:-,="?[{_%\\\u00e9`);
  const units = new Set([...signs, ...(plain.match(/\w{2,}/g) ?? [])]);
  const repeated = [...units].flatMap((unit) => {
    const body = unit.repeat(Math.ceil(most / unit.length));
    return ['\0', '!', '\n'].map((end) => body + end);
  });
  return [...repeated, `[${'a'.repeat(most)}`, `Bearer ${' '.repeat(most)}!`, `Bearer a${' '.repeat(most)}!`];
}

/** False when it has used that much of a processor. One that was only kept waiting begins again, and may take longer. */
function endsInTime(script: vm.Script, texts: readonly string[]): boolean {
  for (let timeout = guardMs; ; timeout *= 2) {
    const before = process.cpuUsage();
    try {
      script.runInNewContext({ texts }, { timeout });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    }
    const { user, system } = process.cpuUsage(before);
    if ((user + system) / 1_000 >= guardMs / 2) return false;
  }
}

test('[V28] they are found', () => {
  expect(literals.length).toBeGreaterThan(50);
  const made = all.filter(({ text }) => !text.startsWith('/')).map(({ text }) => text);
  expect(made.filter((text) => !composed.includes(text))).toEqual([]);
});

test.each(literals.map(({ file, text }): [string, string] => [text, file]))(
  '[V28] %s of %s',
  (text, file) => {
    const search = new vm.Script(
      `for (const text of texts) { const all = new RegExp(${text}); all.lastIndex = 0; all.exec(text); text.replace(all, ''); }`,
    );
    const texts = attacks(text, bounded[file] ?? length);
    expect(endsInTime(search, texts)).toBe(true);
  },
);
