/** Durations as text: `500ms`, `1m30s`, `1.5h`. */

/** Nanoseconds of each unit. `µs` is written with either of Unicode's two signs (U+00B5, U+03BC). */
const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/**
 * Nanoseconds, with their sign, rounded to a whole number; undefined for anything that is no duration. Several units follow one another (`1m30s`); a
 * number without a unit is none, except `0`.
 * Source: Go, time.ParseDuration.
 */
export function parseDuration(text: string): number | undefined {
  const [, sign, units] = /^([+-]?)((?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|[uµμ]s|ms|s|m|h))+|0)$/.exec(text) ?? [];
  if (units === undefined) return undefined;
  let total = 0;
  for (const [, count, unit = ''] of units.matchAll(/([\d.]+)([a-zµμ]+)/g)) total += Number(count) * (UNITS[unit] ?? 0);
  return total === 0 ? 0 : Math.round(sign === '-' ? -total : total);
}

/** The same in milliseconds, with a fraction where there is one. */
export function parseDurationMs(text: string): number | undefined {
  const nanoseconds = parseDuration(text);
  return nanoseconds === undefined ? undefined : nanoseconds / 1e6;
}

/** The same with days of 24 hours before it, which Go's grammar has not: `7d`, `1d12h`. */
export function parseLongDurationMs(text: string): number | undefined {
  const [, days = '0', rest = text] = /^(\d+)d(.*)$/.exec(text) ?? [];
  const restMs = rest === '' ? 0 : parseDurationMs(rest);
  return restMs === undefined ? undefined : Number(days) * 86_400_000 + restMs;
}

/**
 * `1m30s`, `500ms`, `0s`, from nanoseconds that are not negative.
 * Source: Go, time.Duration.String.
 */
export function goDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return '0s';
  if (nanoseconds < 1e3) return `${nanoseconds}ns`;
  if (nanoseconds < 1e6) return `${nanoseconds / 1e3}µs`;
  if (nanoseconds < 1e9) return `${nanoseconds / 1e6}ms`;
  const [hours, minutes] = [Math.floor(nanoseconds / 3600e9), Math.floor((nanoseconds % 3600e9) / 60e9)];
  const seconds = (nanoseconds % 60e9) / 1e9;
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}s`;
}

/** In one unit, and read back exactly: `60s`, `1500ms`. */
export function formatMs(milliseconds: number): string {
  return milliseconds % 1000 === 0 ? `${milliseconds / 1000}s` : `${milliseconds}ms`;
}
