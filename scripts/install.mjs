// Brings node_modules up to the lock file. Uses nothing but Node, so that it runs on a fresh clone.
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, statSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** A package of its own: the AWS provider is large, so the server's install never brings it. */
export const infra = path.join(root, 'infra');

/** Runs a command in the project; ends this process with its exit code when it fails. */
export function run(command, args, options = {}) {
  const { status, signal, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (error) throw new Error(`${command} could not be started: ${error.message}`);
  if (status !== 0) process.exit(status ?? (signal ? 1 : 0));
}

/** Is `node_modules` older than the lock file, or not there? One that is a link is looked after where it leads: npm would empty it. */
function isStale(folder) {
  const modules = lstatSync(path.join(folder, 'node_modules'), { throwIfNoEntry: false });
  if (modules?.isSymbolicLink()) return false;
  const installed = path.join(folder, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return true;
  return statSync(installed).mtimeMs < statSync(path.join(folder, 'package-lock.json')).mtimeMs;
}

/** `folder`: the root, or `infra`. */
export function installPackages(folder = root) {
  const [major = 0] = process.versions.node.split('.').map(Number);
  if (major < 20) {
    console.error(`Node ${process.versions.node} is too old: this project needs Node 20 or newer.`);
    process.exit(1);
  }
  if (!isStale(folder)) return;
  console.log(`Installing packages${folder === root ? '' : ` of ${path.relative(root, folder)}/`} …`);
  // Nothing here needs an install script: native modules come with prebuilt binaries.
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder });
}
