/** Effects: asks a Consul agent where its DNS server listens (HTTP API, GET /v1/agent/self). */
import { isKind } from '../../model/index.ts';
import { afterScheme, type HostPort, parseHostPort } from '../../text/host-port.ts';
import { type ConsulAccess, createConsulHttp } from './http.ts';

/** Consul's default (`ports.dns`). */
const DNS_PORT = 8600;

/** Address of the DNS server of the Consul agent at `address` (HOST:PORT of its HTTP API); undefined: it has none. Throws `invalid`, `unavailable`. */
export async function consulDnsAddress(address: string, access: ConsulAccess = {}): Promise<HostPort | undefined> {
  const http = createConsulHttp(address, access);
  const { host } = parseHostPort(address) ?? { host: '127.0.0.1' };
  try {
    const { body } = await http.call({ method: 'GET', path: '/agent/self' });
    return dnsAddressIn(body, host);
  } catch (error) {
    if (isKind(error, 'forbidden')) return { host, port: DNS_PORT };
    throw error;
  } finally {
    http.close();
  }
}

/**
 * The DNS server in what `/v1/agent/self` says, reached through `host`, where its HTTP API is: an address that every machine has (any, loopback)
 * is that machine's. Undefined: it has none.
 */
export function dnsAddressIn(self: unknown, host: string): HostPort | undefined {
  const { DebugConfig = {} } = (self ?? {}) as { readonly DebugConfig?: { readonly DNSAddrs?: unknown } };
  const addresses: readonly unknown[] = Array.isArray(DebugConfig.DNSAddrs) ? DebugConfig.DNSAddrs : [];
  for (const each of addresses) {
    const found = parseHostPort(afterScheme(typeof each === 'string' ? each : '', 'udp', 'tcp') ?? '');
    if (found !== undefined) return /^(?:0\.0\.0\.0|::|127\..*|::1)$/.test(found.host) ? { ...found, host } : found;
  }
  return undefined;
}
