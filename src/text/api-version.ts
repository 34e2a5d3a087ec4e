/** Versions of the Docker Engine API: `1.43`. Source: moby api/types/versions/compare.go. */

/** The oldest that arpanet speaks, with clients and with Engines (Docker 1.12). */
export const OLDEST_API_VERSION = '1.24';

/** Negative: `a` is older, positive: newer, 0: the same. Parts are numbers (`1.9` is older than `1.41`); an absent one is 0. */
export function compareVersions(a: string, b: string): number {
  const [majorA = 0, minorA = 0, moreA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0, moreB = 0] = b.split('.').map(Number);
  return majorA - majorB || minorA - minorB || moreA - moreB;
}

/** The older of two; if only one is given, that one. */
export function olderVersion(a: string, b: string | undefined): string;
export function olderVersion(a: string | undefined, b: string | undefined): string | undefined;
export function olderVersion(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compareVersions(a, b) <= 0 ? a : b;
}

/** Minor number: `1.43` gives 43. All versions of the API have major 1. */
export function apiMinor(version: string): number {
  return Number(version.split('.')[1] ?? '0');
}

/** A request's path in parts: `/v1.43/info` is version `1.43` of `/info`; the version is undefined where the path has none. */
export function splitVersion(path: string): { readonly version: string | undefined; readonly path: string } {
  const found = /^\/v([0-9]+(?:\.[0-9]+)*)(\/.*)$/.exec(path);
  return found?.[1] !== undefined && found[2] !== undefined ? { version: found[1], path: found[2] } : { version: undefined, path };
}
