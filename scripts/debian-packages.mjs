// What the tests need beside npm packages, from Debian: found, or installed where this process may.
import { spawnSync } from 'node:child_process';
import process from 'node:process';

/** A command that proves a package is there, and Debian's name for it. */
const debianPackages = [
  { proof: ['/usr/bin/python3', ['-c', 'import aiortc']], name: 'python3-aiortc' },
  { proof: ['/usr/bin/python3', ['-c', 'import websockets']], name: 'python3-websockets' },
  { proof: ['redis-server', ['--version']], name: 'redis-server' },
  { proof: ['turnserver', ['--version']], name: 'coturn' },
  { proof: ['chromium', ['--version']], name: 'chromium' },
  { proof: ['prometheus', ['--version']], name: 'prometheus' },
  // The image is built, run, and put behind a proxy.
  { proof: ['buildah', ['--version']], name: 'buildah' },
  { proof: ['runc', ['--version']], name: 'runc' },
  { proof: ['caddy', ['version']], name: 'caddy' },
  // What the user data of infra/ is checked and rehearsed with.
  { proof: ['shellcheck', ['--version']], name: 'shellcheck' },
  { proof: ['systemd-analyze', ['--version']], name: 'systemd' },
  { proof: ['ip', ['-V']], name: 'iproute2' },
  { proof: ['curl', ['--version']], name: 'curl' },
  // The libraries that the mediasoup worker is linked with (mediasoup-worker.mjs).
  ...['libuv1', 'libssl3', 'libsrtp2-1', 'libusrsctp2'].map((name) => ({
    proof: ['dpkg-query', ['--show', name]],
    name,
  })),
];

function isThere([command, args]) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function aptGet(args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync('apt-get', ['-qq', ...args], { env, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
}

/** Installs what is missing. What stays missing is said, and fails the tests that need it, not the run. */
export function installDebianPackages() {
  const missing = debianPackages.filter(({ proof }) => !isThere(proof)).map(({ name }) => name);
  if (missing.length === 0) return;
  if (process.getuid?.() === 0 && isThere(['apt-get', ['--version']])) {
    console.log(`Installing ${missing.join(', ')} …`);
    aptGet(['update']);
    if (aptGet(['install', '-y', '--no-install-recommends', ...missing])) return;
  }
  console.log(`Missing, and the tests that need them will fail: ${missing.join(', ')}.`);
  console.log(`On Debian: sudo apt-get install ${missing.join(' ')}`);
}
