// `npm test`: installs what is missing, packages and Debian's, then runs every test. Arguments go to jest.
// The last line is "N passed, N failed".
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { installPackages, root, run } from './install.mjs';

/** What the tests need beside npm packages: a command that proves it is there, and Debian's package. */
const debianPackages = [
  { proof: ['/usr/bin/python3', ['-c', 'import aiortc']], name: 'python3-aiortc' },
  { proof: ['/usr/bin/python3', ['-c', 'import websockets']], name: 'python3-websockets' },
  { proof: ['redis-server', ['--version']], name: 'redis-server' },
  { proof: ['turnserver', ['--version']], name: 'coturn' },
];

function isThere([command, args]) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function installDebianPackages() {
  const missing = debianPackages.filter(({ proof }) => !isThere(proof)).map(({ name }) => name);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !isThere(['apt-get', ['--version']])) {
    console.log(`Missing, and the tests that need them will fail: ${missing.join(', ')}.`);
    console.log(`On Debian: sudo apt-get install ${missing.join(' ')}`);
    return;
  }
  console.log(`Installing ${missing.join(', ')} …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['-qq', 'update'], { env });
  run('apt-get', ['-qq', 'install', '-y', '--no-install-recommends', ...missing], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

installPackages();
installDebianPackages();
const folder = mkdtempSync(path.join(os.tmpdir(), 'test-result-'));
const result = path.join(folder, 'result.json');
const nodeOptions =
  `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules --disable-warning=ExperimentalWarning`.trim();
const jest = spawnSync(
  process.execPath,
  ['node_modules/jest/bin/jest.js', '--json', `--outputFile=${result}`, ...process.argv.slice(2)],
  {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: nodeOptions },
    // What a test leaves running keeps jest from ending. That is a failure, not a reason to wait for ever.
    timeout: 45 * 60_000,
  },
);
if (!existsSync(result)) {
  console.log('jest wrote no result: it could not start, or it was stopped.');
  console.log('0 passed, 1 failed');
  process.exit(1);
}
const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
  readFileSync(result, 'utf8'),
);
rmSync(folder, { recursive: true });
// A file that could not be run has no tests to count; a test that did not run has not passed.
const broken = testResults.filter(
  ({ status, assertionResults }) =>
    status === 'failed' && !assertionResults.some((one) => one.status === 'failed'),
);
const didNotEnd = jest.status === null ? 1 : 0;
const failed = numFailedTests + broken.length + numPendingTests + numTodoTests + didNotEnd;
console.log(`${numPassedTests} passed, ${failed} failed`);
process.exit(failed === 0 && numPassedTests > 0 ? 0 : 1);
