// `npm start`: installs and builds what is missing or older than its source, then runs the server.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { installPackages, root, run } from './install.mjs';

function newestSourceMs(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce(
      (newest, entry) => Math.max(newest, statSync(path.join(entry.parentPath, entry.name)).mtimeMs),
      0,
    );
}

installPackages();
const main = path.join(root, 'dist', 'main.js');
const client = path.join(root, 'dist', 'client.mjs');
const isBuilt = existsSync(main) && existsSync(client);
if (!isBuilt || statSync(client).mtimeMs < newestSourceMs(path.join(root, 'src'))) {
  console.log('Building …');
  run(process.execPath, ['scripts/build.mjs']);
}

// The server gets the signals itself; this process only waits for it and passes its exit code on.
const server = spawn(process.execPath, [main], { cwd: root, stdio: 'inherit' });
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => server.kill(signal));
server.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 0 : 1)));
