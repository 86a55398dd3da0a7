/** Prometheus' text format (exposition format 0.0.4), read back: what the server says of itself. */

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const samplePattern = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const labelPattern = /\b([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** One reading of all figures. What is not there reads as nothing. */
export class Figures {
  readonly #samples = new Map<string, Sample[]>();
  readonly #announced = new Set<string>();

  constructor(text: string) {
    for (const line of text.split('\n')) {
      if (line.startsWith('#')) {
        const [, word, name = ''] = line.split(' ');
        if (word === 'TYPE') this.#announced.add(name);
        continue;
      }
      const [, name, labels = '', value] = samplePattern.exec(line) ?? [];
      if (name === undefined || value === undefined) continue;
      const samples = this.#samples.get(name) ?? [];
      samples.push({ labels: readLabels(labels), value: readNumber(value) });
      this.#samples.set(name, samples);
    }
  }

  get names(): readonly string[] {
    return [...this.#samples.keys()];
  }

  /** What has labels is there before anything was counted with any. */
  has(name: string): boolean {
    return this.#samples.has(name) || this.#announced.has(name);
  }

  samples(name: string): readonly Sample[] {
    return this.#samples.get(name) ?? [];
  }

  /** Over all labels; `undefined`: there is no such figure. */
  sum(name: string, wanted: Readonly<Record<string, string>> = {}): number | undefined {
    const samples = this.samples(name).filter(({ labels }) =>
      Object.entries(wanted).every(([label, value]) => labels[label] === value),
    );
    return samples.length === 0 ? undefined : samples.reduce((sum, { value }) => sum + value, 0);
  }
}

/**
 * The value below which the share `share` of what came between two readings of a histogram lies, in the histogram's unit;
 * between two bounds it is taken to be spread evenly. `undefined`: nothing came.
 */
export function quantile(
  before: readonly Sample[],
  now: readonly Sample[],
  share: number,
): number | undefined {
  const was = totals(before);
  const buckets = [...totals(now)]
    .map(([bound, count]) => ({ bound, count: count - (was.get(bound) ?? 0) }))
    .sort((a, b) => a.bound - b.bound);
  const all = buckets.at(-1)?.count ?? 0;
  if (all <= 0) return undefined;
  const wanted = share * all;
  let [lower, below] = [0, 0];
  for (const { bound, count } of buckets) {
    if (count >= wanted) {
      if (!Number.isFinite(bound)) return lower;
      return lower + ((bound - lower) * (wanted - below)) / Math.max(1, count - below);
    }
    [lower, below] = [bound, count];
  }
  return lower;
}

/** By upper bound, whatever the other labels. */
function totals(samples: readonly Sample[]): ReadonlyMap<number, number> {
  const byBound = new Map<number, number>();
  for (const { labels, value } of samples) {
    const bound = readNumber(labels['le'] ?? '');
    byBound.set(bound, (byBound.get(bound) ?? 0) + value);
  }
  return byBound;
}

function readLabels(text: string): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(labelPattern)) {
    labels[name] = value.replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter));
  }
  return labels;
}

function readNumber(text: string): number {
  if (text === '+Inf') return Infinity;
  return text === '-Inf' ? -Infinity : Number(text);
}
