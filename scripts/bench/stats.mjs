/** @returns the value below which `share` (0..1) of the numbers lie; NaN of no numbers */
export function quantile(numbers, share) {
  const sorted = Float64Array.from(numbers).sort();
  if (sorted.length === 0) return Number.NaN;
  const place = (sorted.length - 1) * share;
  const below = Math.floor(place);
  const above = sorted[Math.min(below + 1, sorted.length - 1)];
  return sorted[below] + (above - sorted[below]) * (place - below);
}

export const median = (numbers) => quantile(numbers, 0.5);
