import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { toHcl } from './hcl.js';
import { SettingsError } from './settings-error.js';
import { readSettings } from './settings.js';
import { SignalingStack } from './signaling-stack.js';
import { App } from './terraform.js';

interface Synthesis {
  /** `stacks/<name>/` goes there, or `hcl/<name>/`. */
  readonly outdir: string;
  /** Terraform's own language instead of JSON; needs `terraform`. */
  readonly hcl?: boolean;
}

/** Writes what Terraform reads, a folder an environment, and gives the folders. Throws `SettingsError`. */
export function synthesize(
  environments: Readonly<Record<string, unknown>>,
  { outdir, hcl = false }: Synthesis,
): readonly string[] {
  const app = new App({ outdir });
  const stacks = Object.entries(environments).map(([file, input]) => {
    try {
      return new SignalingStack(app, readSettings(input));
    } catch (error) {
      if (error instanceof SettingsError) error.message = `environments/${file}.ts: ${error.message}`;
      throw error;
    }
  });
  if (!hcl) app.synth();
  return stacks.map((stack) => {
    const folder = path.join(outdir, hcl ? 'hcl' : 'stacks', stack.node.id);
    if (hcl) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(path.join(folder, 'main.tf'), toHcl(stack));
    }
    return folder;
  });
}
