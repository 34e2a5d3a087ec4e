/** DNS settings of a container: our resolver and search domain first, then the user's. Pure. */
import { dnsLabel, type HostConfig } from '../../model/index.ts';

const searchDomain = (deployment: string): string => `${dnsLabel(deployment)}.service.consul`;

/**
 * `ndots` is the user's alone: where it is set, the Engine's resolver (127.0.0.11) forwards no name of one label (libnetwork, resolver.go), and resolvers that
 * have no search list (dig, c-ares, nginx) found nobody. Without it, every libc asks for `pricing` itself first, and the host's DNS knows who asks.
 * Docker's `--dns-search .` means "search nothing else", and so do we. `hostSearch`: what the Engine gives to a container without search domains of its own.
 */
export function dnsOf(
  hostConfig: HostConfig,
  deployment: string,
  server: string,
  hostSearch: readonly string[] = [],
): Pick<HostConfig, 'Dns' | 'DnsSearch' | 'DnsOptions'> {
  const asked = hostConfig.DnsSearch ?? [];
  const search = asked.length > 0 ? asked.filter((domain) => domain !== '.') : hostSearch;
  return {
    Dns: once([server, ...(hostConfig.Dns ?? [])]),
    DnsSearch: once([searchDomain(deployment), ...search]),
    DnsOptions: hostConfig.DnsOptions ?? [],
  };
}

const once = (values: readonly string[]): readonly string[] => [...new Set(values)];
