// `npm test`: installs what is missing, packages, Debian's and the mediasoup worker, then runs every test,
// those of infra/ last. Arguments go to jest; `npm test infra` runs those of infra/ alone.
// The last line is "N passed, N failed".
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { installDebianPackages } from './debian-packages.mjs';
import { infra, installPackages, root } from './install.mjs';
import { fetchMediasoupWorker } from './mediasoup-worker.mjs';

/**
 * Some tests come last and one by one: chaos, because what it breaks must heal within the windows that the server promises;
 * the dashboard, because Prometheus looks every second, and no alert may be raised; attacks, the image and a whole machine,
 * because they take all of the processor that others have windows for.
 */
const alone = [
  'test/chaos/',
  'test/metrics/dashboard',
  'test/image/',
  'test/infra/',
  'test/security/attacks',
];
const rounds = [
  ['--testPathIgnorePatterns', ...alone, 'test/logs/whole-run'],
  [...alone, '--runInBand'],
  // Reads what all the others have logged.
  ['test/logs/whole-run', '--runInBand'],
];

const nodeOptions =
  `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules --disable-warning=ExperimentalWarning`.trim();

/** @returns {{ passed: number, failed: number }} */
function runJest(args, cwd = root) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'test-result-'));
  const result = path.join(folder, 'result.json');
  try {
    const { status } = spawnSync(
      process.execPath,
      ['node_modules/jest/bin/jest.js', '--json', `--outputFile=${result}`, ...args],
      {
        cwd,
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, NODE_OPTIONS: nodeOptions, TEST_LOGS: logs },
        // What a test leaves running keeps jest from ending. That is a failure, not a reason to wait for ever.
        timeout: 40 * 60_000,
      },
    );
    if (existsSync(result)) return count(JSON.parse(readFileSync(result, 'utf8')), status !== null);
    console.log('jest wrote no result: it could not start, or it was stopped.');
    return { passed: 0, failed: 1 };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function count({ numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults }, hasEnded) {
  // A file that could not be run has no tests to count; a test that did not run has not passed.
  const broken = testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((one) => one.status === 'failed'),
  );
  const notRun = broken.length + numPendingTests + numTodoTests + (hasEnded ? 0 : 1);
  return { passed: numPassedTests, failed: numFailedTests + notRun };
}

/** Types and lint of infra/ count as one test: `npm run check` has no packages of it. */
function checkInfra() {
  const { status } = spawnSync('npm', ['run', '--silent', 'check'], {
    cwd: infra,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return status === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

installPackages();
installDebianPackages();
const { missing } = fetchMediasoupWorker();
if (missing !== undefined) console.log(`The tests that need a mediasoup worker will fail: ${missing}`);
const asked = process.argv.slice(2);
// Every server that a test starts writes its log here too; alone, a file of tests has nobody to read it.
const logs = asked.length > 0 ? '' : mkdtempSync(path.join(os.tmpdir(), 'test-logs-'));
const isInfraAsked = asked[0] === 'infra';
const counts = isInfraAsked ? [] : (asked.length > 0 ? [asked] : rounds).map((args) => runJest(args));
if (isInfraAsked || asked.length === 0) {
  installPackages(infra);
  counts.push(checkInfra(), runJest(asked.slice(1), infra));
}
if (logs !== '') rmSync(logs, { recursive: true });
const [passed, failed] = ['passed', 'failed'].map((which) =>
  counts.reduce((sum, one) => sum + one[which], 0),
);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
