/** The text of a `/metrics`, as Prometheus reads it. */
import { spawnSync } from 'node:child_process';

type Labels = Readonly<Record<string, string>>;

interface Sample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

export class Reading {
  readonly #samples: readonly Sample[];

  constructor(readonly text: string) {
    this.#samples = text.split('\n').flatMap((line) => sampleOf(line) ?? []);
  }

  /** `base`: `http://host:port`. */
  static async of(base: string, headers: Labels = {}): Promise<Reading> {
    const response = await fetch(`${base}/metrics`, { headers });
    if (response.status !== 200) throw new Error(`/metrics answered ${String(response.status)}`);
    return new Reading(await response.text());
  }

  get names(): ReadonlySet<string> {
    return new Set(this.#samples.map(({ name }) => name));
  }

  /** The sum of all samples of that name that have these labels. Throws when there is none. */
  value(name: string, labels: Labels = {}): number {
    const found = this.#samples.filter(
      (sample) =>
        sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    );
    if (found.length === 0) throw new Error(`no ${name} ${JSON.stringify(labels)}`);
    return found.reduce((sum, { value }) => sum + value, 0);
  }
}

/** Runs a program that must be there; returns what it said and its exit code. */
export function runTool(
  command: string,
  args: readonly string[],
  input = '',
): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', input });
  if (error !== undefined) throw new Error(`${command} is missing: on Debian, apt-get install prometheus`);
  return { status, output: `${stdout}${stderr}` };
}

function sampleOf(line: string): Sample | undefined {
  const [, name, inside = '', value] = /^([a-z_:][\w:]*)(?:\{(.*)\})? (\S+)$/i.exec(line) ?? [];
  if (name === undefined) return undefined;
  const labels = [...inside.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', text = '']) => [key, text]);
  return { name, labels: Object.fromEntries(labels) as Labels, value: Number(value) };
}
