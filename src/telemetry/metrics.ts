/**
 * Figures of this process in Prometheus' text format 0.0.4: what rooms count and measure. No label takes what users write without a bound: beyond
 * `MOST_SERIES` of one metric all others are counted together. State: the counts of this process.
 */
export type MetricType = 'counter' | 'gauge' | 'histogram';

/** By name. */
export type Labels = Readonly<Record<string, string>>;

/** What a metric is, as the list in docs/metrics.md has it. */
export interface MetricSpec {
  /** As Prometheus wants it: with its base unit at the end, `_total` for counters. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

/** One series of a metric; `value` is in the unit that the metric's name says. */
export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
  /** Of a histogram: `_bucket`, `_sum`, `_count`. */
  readonly suffix?: string;
}

/** A metric with all its series. */
export interface Family extends MetricSpec {
  readonly type: MetricType;
  readonly samples: readonly Sample[];
}

/** Series of one metric that a process keeps. */
export const MOST_SERIES = 2_000;
/** The value of all labels of what is beyond. */
const OTHERS = 'others';

/** Upper bounds in seconds: from an answer of memory to a create that pulls an image. */
const BUCKETS_SECONDS = [0.001, 0.005, 0.025, 0.1, 0.5, 2, 10, 60];

export interface Counter {
  /** `by`: how many, 1 if it is not given. */
  readonly inc: (labels?: Labels, by?: number) => void;
}

export interface Gauge {
  /** `by`: how many more; negative: less. */
  readonly add: (by: number) => void;
}

export interface Histogram {
  readonly observe: (seconds: number, labels?: Labels) => void;
}

const registered = new Map<string, () => Family>();

/** All that this process counts and measures. */
export function measured(): readonly Family[] {
  return [...registered.values()].map((family) => family());
}

/** A number that only grows; a module makes it once. */
export function counter(spec: MetricSpec): Counter {
  const series = createSeries(spec, () => ({ value: 0 }));
  registered.set(spec.name, () => ({
    ...spec,
    type: 'counter',
    samples: series.all().map(({ labels, kept }) => ({ labels, value: kept.value })),
  }));
  return {
    inc(labels = {}, by = 1) {
      series.of(labels).value += by;
    },
  };
}

/** A number that grows and shrinks, without labels; a module makes it once. */
export function gauge(spec: Omit<MetricSpec, 'labels'>): Gauge {
  let value = 0;
  registered.set(spec.name, () => ({ ...spec, type: 'gauge', samples: [{ value }] }));
  return {
    add(by) {
      value += by;
    },
  };
}

/** Durations in seconds, by fixed bounds; a module makes it once. */
export function histogram(spec: MetricSpec): Histogram {
  const series = createSeries(spec, () => ({ sum: 0, count: 0, buckets: BUCKETS_SECONDS.map(() => 0) }));
  registered.set(spec.name, () => ({
    ...spec,
    type: 'histogram',
    samples: series
      .all()
      .flatMap(({ labels, kept: { sum, count, buckets } }) => [
        ...BUCKETS_SECONDS.map((le, at) => ({ suffix: '_bucket', labels: { ...labels, le: String(le) }, value: buckets[at] ?? 0 })),
        { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: count },
        { suffix: '_sum', labels, value: sum },
        { suffix: '_count', labels, value: count },
      ]),
  }));
  return {
    observe(seconds, labels = {}) {
      const one = series.of(labels);
      one.sum += seconds;
      one.count += 1;
      for (const [at, bound] of BUCKETS_SECONDS.entries()) if (seconds <= bound) one.buckets[at] = (one.buckets[at] ?? 0) + 1;
    },
  };
}

function createSeries<T>({ labels: names = [] }: MetricSpec, make: () => T) {
  const kept = new Map<string, { readonly labels: Labels; readonly kept: T }>();
  const rest = Object.fromEntries(names.map((name) => [name, OTHERS]));
  const find = (labels: Labels): T => {
    const key = names.map((name) => labels[name] ?? '').join('\0');
    const found = kept.get(key);
    if (found !== undefined) return found.kept;
    if (kept.size >= MOST_SERIES && labels !== rest) return find(rest);
    const one = { labels: Object.fromEntries(names.map((name) => [name, labels[name] ?? ''])), kept: make() };
    kept.set(key, one);
    return one.kept;
  };
  // one without labels is shown from the start: an alert can count on it
  if (names.length === 0) find({});
  return { of: find, all: () => [...kept.values()] };
}

const escaped = (value: string): string => value.replace(/[\\\n"]/g, (mark) => (mark === '\n' ? String.raw`\n` : `\\${mark}`));

function labelText(labels: Labels): string {
  const entries = Object.entries(labels);
  return entries.length === 0 ? '' : `{${entries.map(([name, value]) => `${name}="${escaped(value)}"`).join(',')}}`;
}

/** The answer to a scrape; metrics without a series are left out. */
export function exposition(families: readonly Family[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, type, help, samples }) => {
      const lines = samples.map(({ suffix = '', labels = {}, value }) => `${name}${suffix}${labelText(labels)} ${value}\n`);
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
    })
    .join('');
}

/** Of `exposition`, for the answer's head. */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
