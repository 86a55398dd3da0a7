import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type BuildOptions } from 'esbuild';

const root = fileURLToPath(new URL('../../', import.meta.url));

const options: BuildOptions = {
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
};

/** A program of src/, bundled from the sources of now into a folder of its own: no build is needed, and none is touched. */
export class ProcessBuild {
  private constructor(readonly folder: string) {}

  /** `source`: its main file. */
  static async make(source: 'src/main.ts' | 'src/container.ts' | 'src/media/main.ts'): Promise<ProcessBuild> {
    const made = ProcessBuild.begin();
    const entryPoints = [path.join(root, source)];
    await build({ ...options, entryPoints, outfile: made.entry, sourcemap: 'inline' });
    return made;
  }

  /** What scripts/ take from `dist`: the app and its settings, as modules. */
  static async makeDist(): Promise<ProcessBuild> {
    const made = ProcessBuild.begin();
    writeFileSync(path.join(made.folder, 'package.json'), '{"type":"module"}');
    const entryPoints = ['app', 'config'].map((name) => path.join(root, `src/${name}.ts`));
    await build({ ...options, entryPoints, outdir: made.dist, splitting: true });
    return made;
  }

  private static begin(): ProcessBuild {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'process-'));
    symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
    return new ProcessBuild(folder);
  }

  get entry(): string {
    return path.join(this.folder, 'main.mjs');
  }

  get dist(): string {
    return path.join(this.folder, 'dist');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
