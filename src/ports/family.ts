type Choices = Readonly<Record<string, readonly string[]>>;
type LabelsOf<Of extends Choices> = { readonly [Name in keyof Of & string]: Of[Name][number] };

interface Series<Of extends Choices> {
  readonly labels: LabelsOf<Of>;
  value: number;
}

/** A counter for each combination of values of its labels, all of which are known beforehand and begin at 0. */
export class Family<const Of extends Choices = Choices> {
  readonly help: string;
  readonly labelNames: readonly (keyof Of & string)[];
  readonly #series = new Map<string, Series<Of>>();

  constructor(help: string, choices: Of) {
    this.help = help;
    this.labelNames = Object.keys(choices);
    for (const labels of combinations(choices)) this.#series.set(this.#key(labels), { labels, value: 0 });
  }

  add(labels: LabelsOf<Of>, by = 1): void {
    const series = this.#series.get(this.#key(labels));
    if (series !== undefined) series.value += by;
  }

  /** Of all that have these labels. */
  sum(labels: Partial<LabelsOf<Of>> = {}): number {
    let sum = 0;
    for (const series of this.#series.values()) {
      if (this.labelNames.every((name) => labels[name] === undefined || labels[name] === series.labels[name]))
        sum += series.value;
    }
    return sum;
  }

  get series(): readonly Readonly<Series<Of>>[] {
    return [...this.#series.values()];
  }

  #key(labels: LabelsOf<Of>): string {
    return this.labelNames.map((name) => labels[name]).join(' ');
  }
}

function combinations<Of extends Choices>(choices: Of): LabelsOf<Of>[] {
  let found: Record<string, string>[] = [{}];
  for (const [name, values] of Object.entries(choices))
    found = found.flatMap((labels) => values.map((value) => ({ ...labels, [name]: value })));
  return found as LabelsOf<Of>[];
}
