/** One row of the table in docs/performance.md: ours beside what a user would pick instead, measured in turns in one run. */
export interface BenchRow {
  readonly work: string;
  /** What stands beside it: `engine direct`, `Consul's own DNS`, … */
  readonly beside: string;
  /** One figure a round, in `unit`; round i of ours ran next to round i of theirs. */
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
  readonly unit: string;
  /** The promise, as text: `≥ 20×`, `≤ 120 MB`. */
  readonly reach: string;
}
