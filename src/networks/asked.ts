/** Which addresses requests ask for by name. Pure. */
import type { CreateRequest } from '../model/index.ts';

/** IPv4 addresses by network, as the requests name it. */
export function askedAddresses(requests: readonly Pick<CreateRequest, 'NetworkingConfig'>[]): ReadonlyMap<string, readonly string[]> {
  const asked = new Map<string, string[]>();
  for (const { NetworkingConfig } of requests) {
    for (const [network, endpoint] of Object.entries(NetworkingConfig?.EndpointsConfig ?? {})) {
      const ip = endpoint?.IPAMConfig?.IPv4Address;
      if (!ip) continue;
      const known = asked.get(network) ?? [];
      asked.set(network, known);
      known.push(ip);
    }
  }
  return asked;
}
