import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const names = ['webrtc-signaling-dev', 'webrtc-signaling-production'];
let out = '';

beforeAll(() => {
  out = mkdtempSync(path.join(os.tmpdir(), 'signaling-infra-'));
});
afterAll(() => {
  rmSync(out, { recursive: true });
});

/** As `npm run synth` runs it. */
function synth(...args: readonly string[]): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'src/main.ts', '--out', out, ...args],
    {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '' },
    },
  );
  return { status, said: stdout + stderr };
}

function terraform(...args: readonly string[]): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr, error } = spawnSync('terraform', args, { encoding: 'utf8' });
  if (error) throw new Error(`terraform is missing: install 1.10 or newer (${error.message})`);
  return { status, said: stdout + stderr };
}

describe('npm run synth', () => {
  test('[Z10] writes both shapes as JSON', () => {
    expect(synth()).toMatchObject({ status: 0 });
    for (const name of names) {
      const text = readFileSync(path.join(out, 'stacks', name, 'cdk.tf.json'), 'utf8');
      expect(Object.keys(JSON.parse(text) as object)).toEqual(
        expect.arrayContaining(['provider', 'resource', 'output']),
      );
      // Wherever it was written, it is the same.
      expect(text).not.toContain(path.resolve('..'));
    }
  });

  test('writes them in Terraform’s own language too, formatted, with the same resources', () => {
    expect(synth('--hcl')).toMatchObject({ status: 0 });
    expect(readdirSync(path.join(out, 'hcl')).sort()).toEqual(names);
    expect(terraform('fmt', '-check', '-recursive', '-no-color', path.join(out, 'hcl'))).toMatchObject({
      status: 0,
    });
    for (const name of names) {
      const { resource, data, output } = JSON.parse(
        readFileSync(path.join(out, 'stacks', name, 'cdk.tf.json'), 'utf8'),
      ) as Record<'resource' | 'data' | 'output', Record<string, object>>;
      const hcl = readFileSync(path.join(out, 'hcl', name, 'main.tf'), 'utf8');
      const named = (what: string): string[] =>
        [...hcl.matchAll(new RegExp(`^${what} "([^"]+)" "([^"]+)" \\{`, 'gm'))]
          .map(([, type, id]) => `${type ?? ''}.${id ?? ''}`)
          .sort();
      const all = (of: Record<string, object>): string[] =>
        Object.entries(of)
          .flatMap(([type, ones]) => Object.keys(ones).map((id) => `${type}.${id}`))
          .sort();
      expect(named('resource')).toEqual(all(resource));
      expect(named('data')).toEqual(all(data));
      expect([...hcl.matchAll(/^output "([^"]+)"/gm)].map(([, id]) => id).sort()).toEqual(
        Object.keys(output).sort(),
      );
    }
  });

  test('says which environment there is not', () => {
    const { status, said } = synth('staging');
    expect(status).toBe(1);
    expect(said).toBe('The settings are not usable:\n  environments/staging.ts is not there\n');
    expect(existsSync(path.join(out, 'stacks', 'webrtc-signaling-staging'))).toBe(false);
  });
});
