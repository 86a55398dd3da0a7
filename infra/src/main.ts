/** `npm run synth [-- [--hcl] [--out FOLDER] [ENVIRONMENT…]]`: every environment of `environments/`, or those named. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { SettingsError } from './settings-error.js';
import { synthesize } from './synthesize.js';

const root = path.dirname(import.meta.dirname);
const folder = path.join(root, 'environments');

/** A file's export that has the file's name. */
async function load(name: string): Promise<unknown> {
  const module = (await import(path.join(folder, `${name}.ts`))) as Record<string, unknown>;
  return module[name];
}

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { hcl: { type: 'boolean' }, out: { type: 'string' } },
  });
  const known = readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => path.basename(file, '.ts'));
  const strangers = positionals.filter((name) => !known.includes(name));
  if (strangers.length > 0) {
    throw new SettingsError(strangers.map((name) => `environments/${name}.ts is not there`));
  }
  const names = positionals.length > 0 ? positionals : known;
  const loaded = await Promise.all(names.map(async (name) => [name, await load(name)] as const));
  const made = synthesize(Object.fromEntries(loaded), {
    outdir: path.resolve(values.out ?? path.join(root, 'cdktf.out')),
    hcl: values.hcl ?? false,
  });
  for (const one of made) process.stdout.write(`${path.relative(process.cwd(), one)}\n`);
} catch (error) {
  if (!(error instanceof Error)) throw error;
  process.stderr.write(
    `${error instanceof SettingsError ? error.message : (error.stack ?? error.message)}\n`,
  );
  process.exitCode = 1;
}
