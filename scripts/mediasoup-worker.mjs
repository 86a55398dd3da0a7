// The mediasoup of the tests. mediasoup's npm package downloads or compiles its worker, which a closed network
// refuses, so the tests run Debian's with the library of the same version, both kept outside the tree: it is old, and large.
// As a command it prints the paths of worker and library, or what is missing, and then exits with 1.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { root } from './install.mjs';

const { name: project } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
/** A worker understands only the library of its own version. */
const version = '3.8.4';
/** The suite that has it. It is never installed from there, only unpacked. */
const suite = 'experimental';
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

const cache = path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), project);
const kept = path.join(cache, `mediasoup-${version}`);
const worker = path.join(kept, 'mediasoup-worker');
const library = path.join(kept, 'node_modules/mediasoup/lib/index.js');

const advice = `On Debian, \`npm test\` fetches them; elsewhere put a mediasoup-worker ${version} at ${worker}`;

/** Runs a command; throws with what it complained about. Gives its output. */
function read(command, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    timeout: 120_000,
  });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args[0]}: ${error?.message ?? stderr.trim()}`);
}

/** The mirror of this machine, from apt's own settings; the updates and security suites have others. */
function mirror() {
  const targets = ['Origin: Debian', 'Created-By: Packages'];
  const lines = read('apt-get', ['indextargets', '--format', '$(REPO_URI) $(RELEASE)', ...targets]);
  const main = lines.split('\n').find((line) => /^\S+ [a-z]+$/.test(line));
  if (main === undefined) throw new Error('apt knows no Debian mirror; `apt-get update` may help');
  return main.split(' ')[0];
}

/** Downloads the package into the folder through a list of its own, so that apt's settings stay as they are. */
function download(folder) {
  const list = path.join(folder, 'sources.list');
  const key = existsSync(keyring) ? `[signed-by=${keyring}] ` : '';
  writeFileSync(list, `deb ${key}${mirror()} ${suite} main\n`);
  const settings = {
    'Dir::Etc::sourcelist': list,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State::lists': path.join(folder, 'lists'),
    'Dir::Cache': path.join(folder, 'cache'),
    'Acquire::Languages': 'none',
    'Acquire::Retries': '1',
    'Acquire::http::Timeout': '20',
    // apt's own user may not write into this folder.
    'APT::Sandbox::User': 'root',
    // A mirror that does not answer is an error here, not a warning.
    'APT::Update::Error-Mode': 'any',
  };
  for (const name of ['lists', 'cache']) mkdirSync(path.join(folder, name));
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  read('apt-get', ['update', '-qq', ...options], folder);
  read('apt-get', ['download', '-qq', ...options, 'mediasoup-worker'], folder);
  return path.join(
    folder,
    readdirSync(folder).find((name) => name.endsWith('.deb')),
  );
}

/** Unpacks the package's one program to `target`. */
function unpack(packed, folder, target) {
  const found = read('dpkg-deb', ['--field', packed, 'Version']).trim();
  if (/^[\d.]+/.exec(found)?.[0] !== version) {
    throw new Error(`Debian ${suite} has mediasoup-worker ${found}, not ${version}`);
  }
  const files = path.join(folder, 'files');
  read('dpkg-deb', ['--extract', packed, files]);
  const program = readdirSync(files, { recursive: true, withFileTypes: true }).find(
    (entry) => entry.isFile() && entry.name === 'mediasoup-worker',
  );
  if (program === undefined) throw new Error(`no program mediasoup-worker in ${path.basename(packed)}`);
  mkdirSync(target);
  renameSync(path.join(program.parentPath, program.name), path.join(target, 'mediasoup-worker'));
}

/** Installs the library beside the worker, without the worker's source code: 200 MB of it. */
function addLibrary(target) {
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--no-save'];
  read('npm', ['install', ...options, '--prefix', target, `mediasoup@${version}`], target);
  rmSync(path.join(target, 'node_modules/mediasoup/worker'), { recursive: true, force: true });
}

/** `{ path, library }` of a worker that starts here, or `{ missing }`: why there is none, and what helps. */
export function findMediasoupWorker() {
  if (!existsSync(library)) return { missing: `mediasoup ${version} is not there. ${advice}` };
  if (!existsSync(worker)) return { missing: `mediasoup-worker ${version} is not there. ${advice}` };
  // Without a library to talk to it ends at once; the loader's 127 means that a shared library is missing.
  const { status, stderr, error } = spawnSync(worker, { encoding: 'utf8', timeout: 10_000 });
  if (error) return { missing: `mediasoup-worker does not start: ${error.message}` };
  if (status !== 127) return { path: worker, library };
  const libraries = 'libuv1 libssl3 libsrtp2-1 libusrsctp2';
  return { missing: `${stderr.trim()}. On Debian: apt-get install ${libraries}` };
}

/** The same, after fetching it where that is needed. Two runs may do so at once: each has a folder of its own. */
export function fetchMediasoupWorker() {
  if (existsSync(worker) && existsSync(library)) return findMediasoupWorker();
  let folder;
  try {
    mkdirSync(cache, { recursive: true });
    folder = mkdtempSync(path.join(cache, 'fetching-'));
    const target = path.join(folder, 'ready');
    unpack(download(folder), folder, target);
    addLibrary(target);
    renameSync(target, kept);
  } catch (error) {
    // When the other run was first, there is a worker now, and that is the one to use.
    if (!existsSync(worker)) return { missing: `${error.message}. ${advice}` };
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
  return findMediasoupWorker();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = findMediasoupWorker();
  console.log(found.path === undefined ? found.missing : `${found.path}\n${found.library}`);
  process.exitCode = found.path === undefined ? 1 : 0;
}
