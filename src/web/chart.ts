import uPlot from 'uplot';
import { make } from './elements.js';

export interface ChartSpec {
  readonly title: string;
  readonly lines: readonly string[];
  /** Written behind each number. */
  readonly unit: string;
}

const height = 160;
/** Five minutes. */
const maxPoints = 300;
const colours = ['--strong', '--warn', '--good'] as const;

/** A few figures over the last minutes, with their last values in words. */
export class Chart {
  readonly root = make('figure', '', 'chart sheet');
  readonly #spec: ChartSpec;
  readonly #times: number[] = [];
  readonly #values: (number | null)[][];
  readonly #latest = make('p', '', 'latest');
  readonly #plot: uPlot;

  constructor(spec: ChartSpec) {
    this.#spec = spec;
    this.#values = spec.lines.map(() => []);
    const canvas = make('div');
    canvas.setAttribute('role', 'img');
    canvas.setAttribute(
      'aria-label',
      `${spec.title} over the last five minutes; the latest values follow as text`,
    );
    this.root.append(make('figcaption', spec.title), canvas, this.#latest);
    this.#plot = new uPlot(options(spec), [[], ...spec.lines.map(() => [])], canvas);
    new ResizeObserver(() => {
      if (canvas.clientWidth > 0) this.#plot.setSize({ width: canvas.clientWidth, height });
    }).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.#plot.redraw(true, true);
    });
  }

  /** What comes next is not joined to what came before. */
  interrupt(): void {
    const last = this.#times.at(-1);
    const isOpen = this.#values.some((line) => typeof line.at(-1) === 'number');
    if (last !== undefined && isOpen) this.#push(last + 0.001, []);
  }

  /** `undefined` leaves a gap. */
  add(atMs: number, values: readonly (number | undefined)[]): void {
    // A clock that was put back begins anew: the plot takes times in their order only.
    if (atMs / 1000 <= (this.#times.at(-1) ?? 0))
      for (const line of [this.#times, ...this.#values]) line.length = 0;
    this.#push(atMs / 1000, values);
    this.#plot.setData([this.#times, ...this.#values]);
    this.#latest.replaceChildren(
      ...this.#spec.lines.map((name, index) => {
        const value = values[index];
        const said = value === undefined ? '–' : `${shown(value)}${this.#spec.unit}`;
        const line = make('span', `${name} ${said}`);
        line.dataset['line'] = String(index);
        return line;
      }),
    );
  }

  #push(atS: number, values: readonly (number | undefined)[]): void {
    this.#times.push(atS);
    this.#values.forEach((line, index) => line.push(values[index] ?? null));
    for (const line of [this.#times, ...this.#values]) if (line.length > maxPoints) line.shift();
  }
}

/** Short, and never more exact than it is read. */
export function shown(value: number): string {
  const digits = Math.abs(value) < 10 && !Number.isInteger(value) ? 2 : 0;
  return value.toLocaleString('en', { maximumFractionDigits: digits });
}

function clockTime(unixS: number): string {
  return new Date(unixS * 1_000).toLocaleTimeString('en-GB');
}

const probe = make('span');
probe.hidden = true;
document.body.append(probe);

/** A canvas knows neither variables nor `light-dark()`: the browser works them out on an element. */
function css(name: string): string {
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}

function options({ lines, unit }: ChartSpec): uPlot.Options {
  const axis = {
    stroke: () => css('--soft'),
    grid: { stroke: () => css('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: 300,
    height,
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_, __, most) => [0, Math.max(1, (most || 0) * 1.1)] } },
    series: [
      {},
      ...lines.map((label, index) => ({
        label,
        width: 2,
        points: { show: false },
        stroke: () => css(colours[index % colours.length] ?? '--ink'),
      })),
    ],
    axes: [
      { ...axis, space: 80, values: (_, splits) => splits.map(clockTime) },
      { ...axis, size: 64, values: (_, splits) => splits.map((value) => `${shown(value)}${unit}`) },
    ],
  };
}
