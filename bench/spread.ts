/** Some figures in short. Pure. */

const at = (sorted: readonly number[], share: number): number | undefined =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

export function spread(figures: readonly number[]) {
  const sorted = figures.toSorted((a, b) => a - b);
  return { p50: at(sorted, 0.5), p90: at(sorted, 0.9), p99: at(sorted, 0.99), worst: sorted.at(-1) };
}
