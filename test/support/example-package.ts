/** This package as `npm run build` leaves it, in a folder of its own, so that its examples can be run as they stand. */
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { Program } from './spawn.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

export class ExamplePackage {
  private constructor(private readonly folder: string) {}

  /** What the package exports comes from the sources of now; all else is what is in the repository. */
  static async make(): Promise<ExamplePackage> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'package-'));
    for (const name of ['package.json', 'scripts/examples']) {
      cpSync(path.join(root, name), path.join(folder, name), { recursive: true });
    }
    symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
    await build({
      entryPoints: [path.join(root, 'src/embed.ts')],
      outdir: path.join(folder, 'dist'),
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      target: 'node20',
      logLevel: 'warning',
    });
    return new ExamplePackage(folder);
  }

  /** Starts it with these variables and no others; signals reach it. */
  run(example: string, settings: Readonly<Record<string, string>>): Program {
    const assignments = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    const file = path.join(this.folder, 'scripts/examples', example);
    return Program.start('env', ['-i', ...assignments, process.execPath, file]);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
