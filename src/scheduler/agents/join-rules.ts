/** Facts of one host that would harm the whole cluster: such a host is refused, and no other. Pure. */
import type { HostFacts } from '../../model/index.ts';
import { apiMinor } from '../../text/api-version.ts';

type Window = Pick<HostFacts, 'name' | 'apiVersion' | 'minApiVersion'>;

/** Engine API versions that arpanet speaks, by minor number (1.24: Docker 1.12). */
const OLDEST_MINOR = 24;

/**
 * Why the host's API versions leave none that all hosts speak; undefined if one is left. Clients are offered what all hosts have in common
 * (`/_ping`), so a single host could lock out all of them.
 */
export function apiWindowFault(host: Window, others: readonly Window[]): string | undefined {
  const [oldest, newest] = [oldestOf(host), apiMinor(host.apiVersion)];
  const versions = `API versions ${host.minApiVersion || `1.${OLDEST_MINOR}`} to ${host.apiVersion}`;
  if (newest < OLDEST_MINOR) return `host ${host.name} reports ${versions}; arpanet needs 1.${OLDEST_MINOR} or later`;
  if (newest < oldest) return `host ${host.name} reports ${versions}, which is no range`;
  const other = others.find((each) => apiMinor(each.apiVersion) < oldest || oldestOf(each) > newest);
  if (other === undefined) return undefined;
  return `host ${host.name} reports ${versions}, and host ${other.name} ${other.minApiVersion} to ${other.apiVersion}: no version that both have`;
}

const oldestOf = ({ minApiVersion }: Window): number => Math.max(OLDEST_MINOR, minApiVersion === '' ? 0 : apiMinor(minApiVersion));
