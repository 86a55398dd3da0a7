// `npm run check`: types, lint, format, architecture, unused code, known vulnerabilities.
import process from 'node:process';
import { installPackages, run } from './install.mjs';

installPackages();
const node = process.execPath;
for (const project of ['test/tsconfig.json', 'test/e2e/browser/tsconfig.json', 'src/web/tsconfig.json'])
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
// Where the registry can say: a closed network's mirror often cannot, and says so here.
run(node, ['scripts/audit.mjs', '--if-possible']);
