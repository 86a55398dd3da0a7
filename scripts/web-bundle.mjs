// The pages for browsers: each a script, a style sheet and its HTML, with nothing from elsewhere.
import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const source = fileURLToPath(new URL('../src/web/', import.meta.url));
const pages = ['dashboard', 'demo', 'reference'];

/** Builds them into that folder. */
export async function buildPages(folder) {
  mkdirSync(folder, { recursive: true });
  await build({
    // Flat, wherever they came from.
    entryNames: '[name]',
    entryPoints: pages.flatMap((page) => [
      path.join(source, `${page}.ts`),
      path.join(source, 'static', `${page}.css`),
    ]),
    outdir: folder,
    bundle: true,
    minify: true,
    platform: 'browser',
    format: 'iife',
    target: 'es2022',
    legalComments: 'inline',
    logLevel: 'warning',
  });
  for (const page of pages)
    copyFileSync(path.join(source, 'static', `${page}.html`), path.join(folder, `${page}.html`));
}
