import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A program of src/, bundled from the sources of now into a folder of its own: no build is needed, and none is touched. */
export class ProcessBuild {
  private constructor(readonly folder: string) {}

  /** `source`: its main file. */
  static async make(source: 'src/main.ts' | 'src/container.ts' | 'src/media/main.ts'): Promise<ProcessBuild> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'process-'));
    symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
    const made = new ProcessBuild(folder);
    await build({
      entryPoints: [path.join(root, source)],
      outfile: made.entry,
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      target: 'node20',
      sourcemap: 'inline',
      logLevel: 'warning',
    });
    return made;
  }

  get entry(): string {
    return path.join(this.folder, 'main.mjs');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
