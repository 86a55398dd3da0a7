// `npm run check`: types, lint, format, architecture, unused code.
import process from 'node:process';
import { installPackages, run } from './install.mjs';

installPackages();
const node = process.execPath;
for (const project of ['test/tsconfig.json', 'test/e2e/browser/tsconfig.json'])
  run(node, ['node_modules/typescript/bin/tsc', '--noEmit', '-p', project]);
run(node, ['node_modules/eslint/bin/eslint.js', '.', '--max-warnings', '0']);
run(node, ['node_modules/prettier/bin/prettier.cjs', '--check', '.', '--log-level', 'warn']);
run(node, [
  'node_modules/dependency-cruiser/bin/dependency-cruise.mjs',
  'src',
  '--config',
  '.dependency-cruiser.mjs',
]);
run(node, ['node_modules/knip/bin/knip.js']);
