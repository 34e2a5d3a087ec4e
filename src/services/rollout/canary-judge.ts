/**
 * How a canary does beside its service: what the proxies of hosts have counted in the last minutes, and what follows from it. Pure.
 *
 * It is worse when more of its requests fail than of the others', by one in a hundred and by more than chance explains, or when they take half as long again and 10 ms
 * more. Nothing is said of fewer than 50 requests.
 */
import type { HttpFigures, HttpTotals } from '../../model/index.ts';

/** Requests of so long ago count no more: one that was good for a day is judged by what it does now. */
export const JUDGED_MS = 5 * 60_000;
/** With fewer requests chance decides. */
const LEAST_REQUESTS = 50;
const LEAST_ERRORS = 3;
/** A part of the requests that may fail beyond what fails of the others'. */
const MORE_ERRORS = 0.01;
/** Chance makes a greater difference once in some 700 looks (one side of a normal distribution). */
const DEVIATIONS = 3;
/** It may take so many times as long, and so many milliseconds more. */
const [SLOWER, SLOWER_MS] = [1.5, 10];

export interface Verdict {
  readonly verdict: 'good' | 'bad' | 'unknown';
  /** A sentence with the figures. */
  readonly why: string;
}

/** Of one host's proxy. */
type HostFigures = HttpFigures & { readonly host: string };

/** Ids of the instances of either. */
export interface Sides {
  readonly base: ReadonlySet<string>;
  readonly canary: ReadonlySet<string>;
}

/** What was counted from look to look. */
export interface Looks {
  /** Those that have said what they counted, in any of the looks. */
  readonly hosts: ReadonlySet<string>;
  /** By host and container, at the last look. */
  readonly last: ReadonlyMap<string, HttpFigures>;
  /** What came between two looks; the oldest first. */
  readonly parts: readonly { readonly atMs: number; readonly base: HttpTotals; readonly canary: HttpTotals }[];
}

const NONE: HttpTotals = { requests: 0, errors: 0, latencyMs: 0 };

/** What hosts say in a look. */
export interface Seen {
  /** Those that have answered, also with nothing. */
  readonly hosts: readonly string[];
  readonly figures: readonly HostFigures[];
}

/** After another look. The first of each host says only from where to count on: it may have counted for days. A proxy that counts less than before has begun again. */
export function afterLook(before: Looks | undefined, { hosts, figures }: Seen, sides: Sides, nowMs: number): Looks {
  const own = figures.filter(({ container }) => sides.base.has(container) || sides.canary.has(container));
  const last = new Map([...(before?.last ?? [])].filter(([, { container }]) => sides.base.has(container) || sides.canary.has(container)));
  const since: HttpFigures[] = [];
  for (const { host, ...now } of own) {
    const key = `${host} ${now.container}`;
    const was = last.get(key);
    last.set(key, now);
    const [requests, errors] = [now.requests - (was?.requests ?? 0), now.errors - (was?.errors ?? 0)];
    if (before?.hosts.has(host) !== true) continue;
    // of the same proxy no more requests fail than come
    since.push(errors >= 0 && errors <= requests ? { ...now, requests, errors } : now);
  }
  if (before === undefined) return { hosts: new Set(hosts), last, parts: [] };
  const of = (side: ReadonlySet<string>): HttpTotals => sumOf(since.filter(({ container }) => side.has(container)));
  const parts = [...before.parts, { atMs: nowMs, base: of(sides.base), canary: of(sides.canary) }];
  // the clock may have been set back
  return {
    hosts: new Set([...before.hosts, ...hosts]),
    last,
    parts: parts.filter(({ atMs }) => atMs > nowMs - JUDGED_MS && atMs <= nowMs),
  };
}

/** Of all that a look may count. */
export const totalsOf = ({ parts }: Pick<Looks, 'parts'>): { readonly base: HttpTotals; readonly canary: HttpTotals } => ({
  base: sumOf(parts.map(({ base }) => base)),
  canary: sumOf(parts.map(({ canary }) => canary)),
});

function sumOf(all: readonly HttpTotals[]): HttpTotals {
  const sum = (of: (one: HttpTotals) => number): number => all.reduce((total, one) => total + of(one), 0);
  const requests = sum((one) => one.requests);
  if (requests === 0) return NONE;
  return { requests, errors: sum((one) => one.errors), latencyMs: Math.round(sum((one) => one.latencyMs * one.requests) / requests) };
}

const rate = ({ requests, errors }: HttpTotals): number => (requests === 0 ? 0 : errors / requests);

/** The difference that chance explains, of two parts of one whole (the standard error of a difference of proportions). */
function byChance(base: HttpTotals, canary: HttpTotals): number {
  const all = (base.errors + canary.errors) / (base.requests + canary.requests);
  return DEVIATIONS * Math.sqrt(all * (1 - all) * (1 / Math.max(base.requests, 1) + 1 / canary.requests));
}

export function judgeCanary(base: HttpTotals, canary: HttpTotals): Verdict {
  const shown = (one: HttpTotals): string => `${(rate(one) * 100).toFixed(1)}% errors, ${one.latencyMs} ms`;
  const figures = `canary: ${shown(canary)}, of ${canary.requests} requests; others: ${shown(base)}, of ${base.requests}`;
  const said = (verdict: Verdict['verdict'], why: string): Verdict => ({ verdict, why: `${why} (${figures})` });
  if (canary.requests < LEAST_REQUESTS) return said('unknown', `too few requests to judge it, ${LEAST_REQUESTS} are needed`);
  const more = rate(canary) - rate(base);
  if (more > MORE_ERRORS) {
    const isSure = canary.errors >= LEAST_ERRORS && more > byChance(base, canary);
    return isSure ? said('bad', 'more requests fail') : said('unknown', 'more requests fail, and that may be chance');
  }
  const isSlower = base.requests >= LEAST_REQUESTS && canary.latencyMs > base.latencyMs * SLOWER + SLOWER_MS;
  return isSlower ? said('bad', 'it is slower') : said('good', 'it does as well as the others');
}

/** What the cluster does about it. `promoteAfterMs`: since its begin; undefined: that is for a person. */
export function nextOfCanary(
  { verdict }: Verdict,
  { ageMs, promoteAfterMs }: { readonly ageMs: number; readonly promoteAfterMs: number | undefined },
): 'take back' | 'promote' | 'wait' {
  if (verdict === 'bad') return 'take back';
  return verdict === 'good' && promoteAfterMs !== undefined && ageMs >= promoteAfterMs ? 'promote' : 'wait';
}
