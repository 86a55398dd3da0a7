// `npm run media`: installs what is missing, mediasoup's worker too, builds, then runs the Media Service.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { installPackages, root } from './install.mjs';
import { runBuilt } from './run-built.mjs';

installPackages();
const library = path.join(root, 'node_modules', 'mediasoup');
const worker = path.join(library, 'worker', 'out', 'Release', 'mediasoup-worker');
if (
  !process.env.MEDIA_LIBRARY &&
  !process.env.MEDIASOUP_WORKER_BIN &&
  existsSync(library) &&
  !existsSync(worker)
) {
  // Packages are installed without their scripts; this one's fetches or compiles its worker. If that fails, the service
  // says what is missing.
  console.log("Installing mediasoup's worker …");
  spawnSync('npm', ['rebuild', 'mediasoup', '--ignore-scripts=false', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  });
}
runBuilt('media/main.js');
