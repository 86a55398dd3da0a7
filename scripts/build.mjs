// Makes dist/: the server, compiled file by file, the bundled client, one file, and the pages for browsers.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { installPackages, root, run } from './install.mjs';

installPackages();
rmSync(path.join(root, 'dist'), { recursive: true, force: true });
run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']);
const { build } = await import('esbuild');
const { clientBundleOptions } = await import('./client-bundle.mjs');
const { buildPages } = await import('./web-bundle.mjs');
await buildPages(path.join(root, 'dist', 'web'));
// The last of all: it tells when everything was built.
await build({ ...clientBundleOptions, absWorkingDir: root, outfile: 'dist/client.mjs' });
