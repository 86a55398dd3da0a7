// What goes into the image, out of a tree that is installed and built: `node contents.mjs TARGET fetch|none`.
// TARGET gets node_modules/, app/ (the programs, package.json, LICENSE and the SBOM) and log/. The tree itself is used up.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { root } from '../install.mjs';

const [target, worker] = process.argv.slice(2);

/** Only the command-line client needs them, and the image has no client. */
const clientOnly = [
  'optionalDependencies[@roamhq/wrtc]',
  'dependencies.commander',
  'dependencies.cli-progress',
];
/** Files that nothing reads at run time. Licences stay. */
const idleFile = /\.(map|[cm]?ts|tsbuildinfo|md|markdown|flow)$/i;
/** Second copies for bundlers and type checkers, and what packages bring for their own authors. */
const idleFolder =
  /(^|\/)(@aws-sdk|@smithy)\/(.+\/)?dist-(es|types)$|(^|\/)@opentelemetry\/[^/]+\/build\/(esm|esnext)$|(^|\/)zod\/src$|^((.*\/)?node_modules\/)?(@[^/]+\/)?[^/]+\/(\.github|benchmarks?|coverage|docs?|docsify|examples?|test|tests|__tests__)$/;

function npm(...args) {
  const { status, stdout, error } = spawnSync('npm', [...args, '--loglevel=error'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`npm ${args[0]} failed: ${error?.message ?? `exit code ${status}`}`);
  return stdout;
}

/** CycloneDX, as npm writes it, with Node itself beside the packages. */
function bill() {
  const sbom = JSON.parse(npm('sbom', '--sbom-format', 'cyclonedx'));
  const { node } = process.versions;
  // npm calls the root after its folder.
  sbom.metadata.component.name = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).name;
  sbom.components.push({
    'bom-ref': `node@${node}`,
    type: 'platform',
    name: 'node',
    version: node,
    purl: `pkg:generic/node@${node}`,
  });
  return JSON.stringify(sbom);
}

function removeIdle(folder, below = '') {
  for (const entry of readdirSync(path.join(folder, below), { withFileTypes: true })) {
    const name = below === '' ? entry.name : `${below}/${entry.name}`;
    const isIdle = entry.isDirectory() ? idleFolder.test(name) : idleFile.test(name);
    if (isIdle) rmSync(path.join(folder, name), { recursive: true });
    else if (entry.isDirectory()) removeIdle(folder, name);
  }
  if (below !== '' && readdirSync(path.join(folder, below)).length === 0) rmdirSync(path.join(folder, below));
}

/** mediasoup's package has the worker's source code; a container runs the program. */
function keepWorkerOnly(modules) {
  const source = path.join(modules, 'mediasoup', 'worker');
  const program = path.join(source, 'out', 'Release', 'mediasoup-worker');
  const aside = path.join(target, 'mediasoup-worker');
  if (worker === 'fetch') renameSync(program, aside);
  rmSync(source, { recursive: true, force: true });
  if (worker !== 'fetch') return;
  mkdirSync(path.dirname(program), { recursive: true });
  renameSync(aside, program);
}

if (target === undefined || !['fetch', 'none'].includes(worker)) {
  throw new Error('usage: node contents.mjs TARGET fetch|none');
}
const app = path.join(target, 'app');
const modules = path.join(target, 'node_modules');
mkdirSync(app, { recursive: true });
// A new volume there takes its owner over.
mkdirSync(path.join(target, 'log', 'signaling'), { recursive: true });
npm('pkg', 'delete', 'devDependencies', 'scripts', ...clientOnly);
npm('prune', '--ignore-scripts', '--offline', '--no-audit', '--no-fund');
if (worker === 'fetch') npm('rebuild', 'mediasoup', '--ignore-scripts=false');
writeFileSync(path.join(app, 'sbom.cdx.json'), bill());
cpSync(path.join(root, 'node_modules'), modules, { recursive: true });
rmSync(path.join(modules, '.bin'), { recursive: true, force: true });
keepWorkerOnly(modules);
removeIdle(modules);
cpSync(path.join(root, 'dist'), path.join(app, 'dist'), { recursive: true });
for (const name of ['client', 'client.mjs'])
  rmSync(path.join(app, 'dist', name), { recursive: true, force: true });
removeIdle(app);
for (const name of ['package.json', 'LICENSE']) cpSync(path.join(root, name), path.join(app, name));
