/** API versions: what all hosts can speak, and Docker's refusals of what they cannot. Pure. */
import type { HostView } from '../model/index.ts';

/** The newest version whose routes this door knows, and the oldest it takes. */
const NEWEST = '1.51';
export const OLDEST = '1.24';
/** Said while no host was ever heard of: old enough for any engine that joins. */
const UNKNOWN = '1.41';

export interface VersionWindow {
  readonly min: string;
  readonly max: string;
}

/** Negative: a is older. `1.9` is older than `1.41`. */
export function compareVersions(a: string, b: string): number {
  const [majorA = 0, minorA = 0, moreA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0, moreB = 0] = b.split('.').map(Number);
  return majorA - majorB || minorA - minorB || moreA - moreB;
}

/** The window that every alive host speaks; of all known hosts while none is alive. */
export function windowOf(hosts: readonly HostView[]): VersionWindow {
  const alive = hosts.filter((host) => host.state === 'alive');
  const facts = (alive.length > 0 ? alive : hosts).flatMap((host) => (host.facts === undefined ? [] : [host.facts]));
  if (facts.length === 0) return { min: OLDEST, max: UNKNOWN };
  const max = facts.reduce((least, fact) => (compareVersions(fact.apiVersion, least) < 0 ? fact.apiVersion : least), NEWEST);
  const min = facts.reduce((most, fact) => (compareVersions(fact.minApiVersion, most) > 0 ? fact.minApiVersion : most), OLDEST);
  return { min, max };
}

/** `/v1.43/info` is version `1.43` of `/info`. */
export function splitVersion(path: string): { readonly version: string | undefined; readonly path: string } {
  const found = /^\/v([0-9]+(?:\.[0-9]+)*)(\/.*)$/.exec(path);
  return found?.[1] !== undefined && found[2] !== undefined ? { version: found[1], path: found[2] } : { version: undefined, path };
}

/** Why a version is refused, in the Engine's words (moby daemon/server/middleware/version.go); undefined: it is spoken. */
export function refuseVersion(version: string, window: VersionWindow): string | undefined {
  if (compareVersions(version, window.min) < 0) {
    return `client version ${version} is too old. Minimum supported API version is ${window.min}, please upgrade your client to a newer version`;
  }
  if (compareVersions(version, window.max) > 0) {
    return `client version ${version} is too new. Maximum supported API version is ${window.max}`;
  }
  return undefined;
}
