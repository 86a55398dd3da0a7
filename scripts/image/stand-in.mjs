// Where no registry of images can be reached, what the Dockerfile builds on is put together from Debian's packages, npm's
// package of the same Node, and this machine's npm: enough of both bases for this Dockerfile, under their names.
// Kept outside the tree, a folder for each version.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { root } from '../install.mjs';

const { name: project } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const cache = path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), project);

/** What distroless's `cc` is made of. */
const runPackages = [
  ...['base-files', 'netbase', 'tzdata', 'ca-certificates', 'libc6', 'libssl3', 'libgcc-s1', 'gcc-12-base'],
  ...['libgomp1', 'libstdc++6'],
];
/** What npm's scripts and the build call beside Node. */
const buildPackages = [
  ...[
    'dash',
    'coreutils',
    'libacl1',
    'libattr1',
    'libselinux1',
    'libpcre2-8-0',
    'libgmp10',
    'libc6',
    'libgcc-s1',
  ],
  'libstdc++6',
];

/** Runs a command; throws with what it complained about. Gives its output. */
export function read(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: 300_000,
    maxBuffer: 64 * 1024 * 1024,
    ...options,
  });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args[0]}: ${error?.message ?? `${stdout}\n${stderr}`.trim().slice(-4_000)}`);
}

/** Both folders, made when they are not there: `{ build, run }`. `node` is a version such as 24.1.0. */
export function standIns(node) {
  const names = [...new Set([...runPackages, ...buildPackages])].sort();
  const candidates = describe(names).match(/^(Package|Version): .+$/gm);
  const version = createHash('sha256')
    .update(JSON.stringify([node, candidates, readFileSync(new URL(import.meta.url), 'utf8')]))
    .digest('hex')
    .slice(0, 16);
  const kept = path.join(cache, `image-bases-${version}`);
  if (!existsSync(kept)) make(kept, node, names);
  return { build: path.join(kept, 'build'), run: path.join(kept, 'run') };
}

/** A machine whose lists of packages were thrown away to save room gets them again. */
function describe(names) {
  const args = ['show', '--no-all-versions', ...names];
  try {
    return read('apt-cache', args);
  } catch {
    read('apt-get', ['update', '-qq']);
    return read('apt-cache', args);
  }
}

function make(kept, node, names) {
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(path.join(cache, 'bases-'));
  try {
    // apt's own user may not write into this folder.
    read('apt-get', ['download', '-qq', '-o', 'APT::Sandbox::User=root', ...names], { cwd: folder });
    const packed = readdirSync(folder).filter((name) => name.endsWith('.deb'));
    const fileOf = (name) => path.join(folder, packed.find((file) => file.startsWith(`${name}_`)) ?? name);
    unpack(path.join(folder, 'ready/run'), runPackages.map(fileOf));
    unpack(path.join(folder, 'ready/build'), buildPackages.map(fileOf));
    addCertificates(path.join(folder, 'ready/run'));
    addNode(path.join(folder, 'ready/build'), folder, node);
    renameSync(path.join(folder, 'ready'), kept);
  } catch (error) {
    // Another run may have been first.
    if (!existsSync(kept)) throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function unpack(target, packages) {
  for (const name of ['bin', 'lib', 'lib64', 'sbin']) {
    mkdirSync(path.join(target, 'usr', name), { recursive: true });
    symlinkSync(`usr/${name}`, path.join(target, name));
  }
  for (const file of packages) {
    const command = 'dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink -C "$2"';
    read('bash', ['-o', 'pipefail', '-c', command, 'unpack', file, target]);
  }
  for (const name of ['usr/share/doc', 'usr/share/man', 'usr/share/locale', 'usr/lib/x86_64-linux-gnu/gconv'])
    rmSync(path.join(target, name), { recursive: true, force: true });
  for (const name of ['tmp', 'etc', 'root', 'home/nonroot'])
    mkdirSync(path.join(target, name), { recursive: true });
  const users = [
    'root:x:0:0:root:/root:/sbin/nologin',
    'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin',
  ];
  writeFileSync(path.join(target, 'etc/passwd'), `${users.join('\n')}\n`);
  writeFileSync(path.join(target, 'etc/group'), 'root:x:0:\nnonroot:x:65532:\n');
}

/** What the package's own installation would do. */
function addCertificates(target) {
  const folder = path.join(target, 'usr/share/ca-certificates/mozilla');
  const all = readdirSync(folder).map((name) => readFileSync(path.join(folder, name), 'utf8'));
  mkdirSync(path.join(target, 'etc/ssl/certs'), { recursive: true });
  writeFileSync(path.join(target, 'etc/ssl/certs/ca-certificates.crt'), all.join('\n'));
}

function addNode(target, folder, version) {
  const arch = { x64: 'x64', arm64: 'arm64' }[process.arch];
  const options = [
    '--prefix',
    path.join(folder, 'node'),
    '--no-save',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
  ];
  read('npm', ['install', ...options, '--loglevel=error', `node-linux-${arch}@${version}`], { cwd: folder });
  const local = path.join(target, 'usr/local');
  mkdirSync(path.join(local, 'bin'), { recursive: true });
  cpSync(path.join(folder, `node/node_modules/node-linux-${arch}/bin/node`), path.join(local, 'bin/node'));
  const modules = read('npm', ['root', '--global']).trim();
  cpSync(path.join(modules, 'npm'), path.join(local, 'lib/node_modules/npm'), {
    recursive: true,
    dereference: true,
  });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', path.join(local, 'bin/npm'));
  symlinkSync('/usr/local/bin/node', path.join(target, 'usr/bin/node'));
}
