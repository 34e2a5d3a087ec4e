/** DNS settings of a container: our resolver and search domain first, then the user's. Pure. */
import { dnsLabel, type HostConfig, type HostDns } from '../../model/index.ts';

const searchDomain = (deployment: string): string => `${dnsLabel(deployment)}.service.consul`;

/**
 * `ndots` is the user's alone: where it is set, the Engine's resolver (127.0.0.11) forwards no name of one label (libnetwork, resolver.go), and resolvers that
 * have no search list (dig, c-ares, nginx) found nobody. Without it, every libc asks for `pricing` itself first, and the host's DNS knows who asks.
 * Docker's `--dns-search .` means "search nothing else", and so do we. `host`: what the Engine gives to a container without settings of its own; its `ndots` is
 * the host's DNS to keep (dns/search.ts), the container does not get it.
 */
export function dnsOf(
  hostConfig: HostConfig,
  deployment: string,
  server: string,
  host: Pick<HostDns, 'search' | 'options'> = { search: [] },
): Pick<HostConfig, 'Dns' | 'DnsSearch' | 'DnsOptions'> {
  const asked = hostConfig.DnsSearch ?? [];
  const search = asked.length > 0 ? asked.filter((domain) => domain !== '.') : host.search;
  return {
    Dns: once([server, ...(hostConfig.Dns ?? [])]),
    DnsSearch: once([searchDomain(deployment), ...search]),
    DnsOptions: optionsOf(hostConfig.DnsOptions ?? [], host.options ?? []),
  };
}

/** What resolvers do without being asked to: an empty list would mean the host's options, `ndots` and all. */
const AS_BY_DEFAULT = ['attempts:2'];

function optionsOf(own: readonly string[], ofHost: readonly string[]): readonly string[] {
  const others = ofHost.filter((option) => !option.startsWith('ndots:'));
  if (own.length > 0 || others.length === ofHost.length) return own;
  return others.length > 0 ? others : AS_BY_DEFAULT;
}

const once = (values: readonly string[]): readonly string[] => [...new Set(values)];
