// What `npm start` and `npm run media` have in common: build what is older than its source, then be that process.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { root, run } from './install.mjs';

function newestSourceMs(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce(
      (newest, entry) => Math.max(newest, statSync(path.join(entry.parentPath, entry.name)).mtimeMs),
      0,
    );
}

/** Runs a program of `dist/`, named by its path there. */
export function runBuilt(program) {
  const main = path.join(root, 'dist', program);
  const client = path.join(root, 'dist', 'client.mjs');
  const isBuilt = existsSync(main) && existsSync(client);
  if (!isBuilt || statSync(client).mtimeMs < newestSourceMs(path.join(root, 'src'))) {
    console.log('Building …');
    run(process.execPath, ['scripts/build.mjs']);
  }
  // The program gets the signals itself; this process only waits for it and passes its exit code on.
  const child = spawn(process.execPath, [main], { cwd: root, stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 0 : 1)));
}
