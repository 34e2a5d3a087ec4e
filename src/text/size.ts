/** Sizes as text: `512m`, `4MiB`, `1048576`. Binary units: k is 1024 bytes. */

const UNITS = ['', 'k', 'm', 'g', 't', 'p'] as const;
const NAMES = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/**
 * Bytes, cut to a whole number; undefined for anything that is no size. A unit is one of b, k, m, g, t, p in either case, may end in
 * `b` or `ib`, and may follow one space.
 * Source: docker/go-units size.go, `RAMInBytes`.
 */
export function parseSize(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d+(?:\.\d*)?|\.\d+) ?(?:([kmgtp])(?:i?b)?|b)?$/i.exec(text) ?? [];
  return count === undefined ? undefined : Math.floor(Number(count) * 1024 ** UNITS.findIndex((one) => one === unit.toLowerCase()));
}

/** The shortest text that `parseSize` reads as exactly these bytes: `4MiB`, `1500`. */
export function formatSize(bytes: number): string {
  const power = bytes === 0 ? 0 : NAMES.findLastIndex((_, at) => bytes % 1024 ** at === 0);
  return power === 0 ? String(bytes) : `${bytes / 1024 ** power}${NAMES[power]}`;
}

/** Rounded for people: `3.1 GiB`, `64 MiB`, `2 GiB`. */
export function formatBytes(bytes: number): string {
  const { value, unit } = scaled(bytes);
  return `${value >= 10 || unit === 'B' ? Math.round(value) : Math.round(value * 10) / 10} ${unit}`;
}

/**
 * Rounded to four digits: `15.51GiB`, `256MiB`, as `docker info` prints them.
 * Source: docker/go-units size.go, `BytesSize`.
 */
export function dockerBytes(bytes: number): string {
  const { value, unit } = scaled(bytes);
  return `${Number(value.toPrecision(4))}${unit}`;
}

function scaled(bytes: number): { readonly value: number; readonly unit: (typeof NAMES)[number] } {
  const power = Math.min(bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10), NAMES.length - 1);
  return { value: bytes / 1024 ** power, unit: NAMES[power] ?? 'B' };
}
