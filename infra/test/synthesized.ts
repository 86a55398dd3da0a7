/** A stack as Terraform would read it. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll } from '@jest/globals';
import { dev } from '../environments/dev.js';
import { production } from '../environments/production.js';
import { readSettings, type SettingsInput } from '../src/settings.js';
import { SignalingStack } from '../src/signaling-stack.js';
import { Testing } from '../src/terraform.js';

export type Body = Readonly<Record<string, unknown>>;

/** CDKTF makes a folder for each app otherwise, and leaves it. */
const outdir = mkdtempSync(path.join(os.tmpdir(), 'cdktf-'));
afterAll(() => {
  rmSync(outdir, { recursive: true });
});

/** An app whose stacks are synthesized alone. */
export function testApp(): ReturnType<typeof Testing.app> {
  return Testing.app({ outdir });
}

export class Synthesized {
  readonly text: string;
  private readonly parsed: {
    readonly resource: Readonly<Record<string, Readonly<Record<string, Body>>>>;
    readonly output: Readonly<Record<string, { readonly value: string }>>;
    readonly locals?: Readonly<Record<string, string>>;
    readonly terraform: Body;
  };

  constructor(input: SettingsInput) {
    this.text = Testing.synth(new SignalingStack(testApp(), readSettings(input)));
    this.parsed = JSON.parse(this.text) as typeof this.parsed;
  }

  all(type: string): readonly Body[] {
    return Object.values(this.parsed.resource[type] ?? {});
  }

  /** The only one of its type. */
  one(type: string): Body {
    const [body, ...others] = this.all(type);
    if (body === undefined || others.length > 0)
      throw new Error(`there are ${others.length + (body ? 1 : 0)} ${type}`);
    return body;
  }

  types(): readonly string[] {
    return Object.keys(this.parsed.resource);
  }

  terraform(): Body {
    return this.parsed.terraform;
  }

  output(name: string): string | undefined {
    return this.parsed.output[name]?.value;
  }

  outputs(): readonly string[] {
    return Object.keys(this.parsed.output);
  }

  /** The scripts of all hosts, as Terraform has them. */
  scripts(): readonly string[] {
    const ofHosts = this.all('aws_instance').map((instance) => String(instance['user_data']));
    return [...ofHosts, ...Object.values(this.parsed.locals ?? {})];
  }

  /** Everything but the scripts, which have tests of their own. */
  withoutScripts(): unknown {
    return JSON.parse(this.text, (key, value: unknown) =>
      key === 'user_data' || key.startsWith('servers_start') ? '(script)' : value,
    );
  }
}

/** The two environments that are shipped, with changes. */
export function small(changes: Readonly<Record<string, unknown>> = {}): Synthesized {
  return new Synthesized({ ...dev, ...changes });
}
export function large(changes: Readonly<Record<string, unknown>> = {}): Synthesized {
  return new Synthesized({ ...production, ...changes });
}
export const smallWithAll = {
  tls: { domain: 'signaling.example.org', email: 'operator@example.org' },
  media: {},
  turn: { realm: 'turn.example.org', tlsPort: 5349 },
};
