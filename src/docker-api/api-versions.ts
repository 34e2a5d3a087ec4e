/** API versions: what all hosts can speak, and Docker's refusals of what they cannot. Pure. */
import type { HostView } from '../model/index.ts';
import { compareVersions, OLDEST_API_VERSION } from '../text/api-version.ts';

/** The newest version whose routes this endpoint knows. */
const NEWEST = '1.51';
/** Used until a host has connected: old enough for any Engine that joins. */
const UNKNOWN = '1.41';

export interface VersionWindow {
  readonly min: string;
  readonly max: string;
}

/** The window that every alive host speaks; of all known hosts while none is alive. */
export function windowOf(hosts: readonly HostView[]): VersionWindow {
  const alive = hosts.filter((host) => host.state === 'alive');
  const facts = (alive.length > 0 ? alive : hosts).flatMap((host) => (host.facts === undefined ? [] : [host.facts]));
  if (facts.length === 0) return { min: OLDEST_API_VERSION, max: UNKNOWN };
  const max = facts.reduce((least, fact) => (compareVersions(fact.apiVersion, least) < 0 ? fact.apiVersion : least), NEWEST);
  const min = facts.reduce((most, fact) => (compareVersions(fact.minApiVersion, most) > 0 ? fact.minApiVersion : most), OLDEST_API_VERSION);
  return { min, max };
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
