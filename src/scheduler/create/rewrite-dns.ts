/** DNS settings of a container: our resolver and search domain first, then the user's. Pure. */
import type { HostConfig } from '../../model/index.ts';

export const searchDomain = (deployment: string): string => `${deployment}.service.consul`;

/**
 * `ndots:1`, because Docker writes `ndots:0` on networks of users, with which musl (Alpine) never searches.
 * Docker's `--dns-search .` means "search nothing else", and so do we.
 */
export function dnsOf(hostConfig: HostConfig, deployment: string, server: string): Pick<HostConfig, 'Dns' | 'DnsSearch' | 'DnsOptions'> {
  const options = hostConfig.DnsOptions ?? [];
  const search = (hostConfig.DnsSearch ?? []).filter((domain) => domain !== '.');
  return {
    Dns: once([server, ...(hostConfig.Dns ?? [])]),
    DnsSearch: once([searchDomain(deployment), ...search]),
    DnsOptions: options.some((option) => option.startsWith('ndots:')) ? options : [...options, 'ndots:1'],
  };
}

const once = (values: readonly string[]): readonly string[] => [...new Set(values)];
