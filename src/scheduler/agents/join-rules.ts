/** Facts of one host that would harm the whole cluster: such a host is refused, and no other. Pure. */
import type { HostFacts } from '../../model/index.ts';
import { apiMinor, OLDEST_API_VERSION } from '../../text/api-version.ts';

type Window = Pick<HostFacts, 'name' | 'apiVersion' | 'minApiVersion'>;

const OLDEST_MINOR = apiMinor(OLDEST_API_VERSION);

/**
 * Why the host's API versions leave none that all hosts speak; undefined if one is left. Clients are offered what all hosts have in common
 * (`/_ping`), so a single host could lock out all of them.
 */
export function apiWindowFault(host: Window, others: readonly Window[]): string | undefined {
  const [oldest, newest] = [oldestOf(host), apiMinor(host.apiVersion)];
  const versions = `API versions ${host.minApiVersion || OLDEST_API_VERSION} to ${host.apiVersion}`;
  if (newest < OLDEST_MINOR) return `host ${host.name} reports ${versions}; arpanet needs ${OLDEST_API_VERSION} or later`;
  if (newest < oldest) return `host ${host.name} reports ${versions}, which is no range`;
  const other = others.find((each) => apiMinor(each.apiVersion) < oldest || oldestOf(each) > newest);
  if (other === undefined) return undefined;
  return `host ${host.name} reports ${versions}, and host ${other.name} ${other.minApiVersion} to ${other.apiVersion}: no version that both have`;
}

const oldestOf = ({ minApiVersion }: Window): number => Math.max(OLDEST_MINOR, minApiVersion === '' ? 0 : apiMinor(minApiVersion));
