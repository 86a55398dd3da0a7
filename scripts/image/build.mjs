// `npm run image:build -- FOLDER`: builds the Dockerfile, unchanged, where there is neither Docker nor a registry of images: with
// buildah, over stand-ins for its two bases. FOLDER gets rootfs/ (what a container sees) and image.json (the image's
// configuration, the bytes of its base and of what is on it). A machine with Docker needs none of this: `docker build .`
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { root } from '../install.mjs';
import { read, standIns } from './stand-in.mjs';

const [given] = process.argv.slice(2);
if (given === undefined) throw new Error('usage: node scripts/image/build.mjs FOLDER');
const folder = path.resolve(given);
const dockerfile = readFileSync(path.join(root, 'Dockerfile'), 'utf8');
const work = mkdtempSync(path.join(os.tmpdir(), 'image-build-'));
const tag = 'localhost/webrtc-signaling-server:check';

/** A default of the Dockerfile's. */
function argument(name) {
  const [, value] = new RegExp(`^ARG ${name}=(\\S+)$`, 'm').exec(dockerfile) ?? [];
  if (value === undefined) throw new Error(`the Dockerfile has no ARG ${name}`);
  return value;
}

const store = [
  '--root',
  path.join(work, 'root'),
  '--runroot',
  path.join(work, 'run'),
  '--storage-driver',
  'vfs',
];
const buildah = (...args) => read('buildah', [...store, ...args], { cwd: root, timeout: 600_000 }).trim();

/** With owners and modes. */
const copy = (from, to) => read('cp', ['--archive', `${from}/.`, to]);

/** An image of one layer, whose container is the folder. */
function importBase(from, name) {
  const container = buildah('from', '--pull-never', 'scratch');
  copy(from, buildah('mount', container));
  buildah('umount', container);
  buildah('config', '--env', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', container);
  buildah('commit', '--quiet', '--rm', '--format', 'docker', container, name);
}

/** How npm reaches its registry from here, as a file that no layer has, and its cache, which saves downloads. */
function networkOptions() {
  const setting = (name) => read('npm', ['config', 'get', name], { cwd: root }).trim();
  const lines = [`registry=${setting('registry')}`];
  for (const name of ['proxy', 'https-proxy'])
    if (setting(name) !== 'null') lines.push(`${name}=${setting(name)}`);
  const options = [];
  const mount = (from, to, mode) => options.push('--volume', `${from}:${to}:${mode}`);
  const authorities = [
    setting('cafile'),
    process.env.NODE_EXTRA_CA_CERTS,
    '/etc/ssl/certs/ca-certificates.crt',
  ].find((file) => file !== undefined && file !== 'null' && existsSync(file));
  if (authorities !== undefined) {
    mount(authorities, '/run/authorities.pem', 'ro');
    lines.push('cafile=/run/authorities.pem');
  }
  const cache = setting('cache');
  mkdirSync(cache, { recursive: true });
  mount(cache, '/run/npm-cache', 'rw');
  lines.push('cache=/run/npm-cache', 'prefer-offline=true');
  const npmrc = path.join(work, 'npmrc');
  writeFileSync(npmrc, `${lines.join('\n')}\n`);
  return [...options, '--secret', `id=npmrc,src=${npmrc}`];
}

/** Bytes of the files that a container sees. */
function sizeOf(tree) {
  return Number(read('du', ['--summarize', '--bytes', tree]).split('\t')[0]);
}

try {
  const [nodeImage, baseImage] = ['NODE_IMAGE', 'BASE_IMAGE'].map(argument);
  const [, node] = /^node:(\d+\.\d+\.\d+)-/.exec(nodeImage) ?? [];
  if (node === undefined) throw new Error(`no version of Node in ${nodeImage}`);
  const bases = standIns(node);
  importBase(bases.build, `docker.io/library/${nodeImage}`);
  importBase(bases.run, baseImage);
  buildah(
    ...['build', '--isolation', 'chroot', '--pull=never', '--format', 'docker', '--layers=false'],
    ...networkOptions(),
    // mediasoup's script fetches its worker from elsewhere; the check mounts another (mediasoup-worker.mjs).
    ...['--build-arg', 'MEDIASOUP_WORKER=none', '--tag', tag, '.'],
  );
  const { Docker: docker } = JSON.parse(buildah('inspect', '--type', 'image', tag));
  const container = buildah('from', '--pull-never', tag);
  const rootfs = path.join(folder, 'rootfs');
  rmSync(rootfs, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  mkdirSync(rootfs);
  copy(buildah('mount', container), rootfs);
  buildah('umount', container);
  const baseBytes = sizeOf(bases.run);
  const totalBytes = sizeOf(rootfs);
  const report = {
    node,
    baseBytes,
    totalBytes,
    aboveBaseBytes: totalBytes - baseBytes,
    config: docker.config,
  };
  writeFileSync(path.join(folder, 'image.json'), `${JSON.stringify(report, undefined, 2)}\n`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
