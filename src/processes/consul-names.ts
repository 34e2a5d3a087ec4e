/** Effects: asks Consul's DNS, for agents, about names that are not of this cluster: services that others registered, nodes, prepared queries. */
import { createForwarder } from '../dns/index.ts';
import { type ConsulAccess, consulDnsAddress } from '../store/index.ts';
import type { Logger } from '../telemetry/log.ts';

export interface ConsulNames extends Disposable {
  /** The answer to a query in wire format; undefined: none. Never rejects. */
  readonly ask: (query: Buffer, transport: 'udp' | 'tcp') => Promise<Buffer | undefined>;
}

/** Consul's configuration may change, with a restart of its own. */
const LOOK_AGAIN_MS = 60_000;

/** `address`: HOST:PORT of Consul's HTTP API, which is asked where its DNS is. */
export function createConsulNames(
  { address, token, tls }: ConsulAccess & { readonly address: string },
  now: () => number,
  log: Logger,
): ConsulNames {
  const forwarder = createForwarder();
  let looked: { readonly atMs: number; readonly server: ReturnType<typeof consulDnsAddress> } | undefined;

  const server = (): ReturnType<typeof consulDnsAddress> => {
    if (looked === undefined || now() - looked.atMs > LOOK_AGAIN_MS)
      looked = { atMs: now(), server: consulDnsAddress(address, { token, tls }) };
    return looked.server;
  };

  return {
    async ask(query, transport) {
      try {
        const found = await server();
        return found === undefined ? undefined : await forwarder.ask(query, [found], transport);
      } catch (err) {
        looked = undefined;
        log.debug({ err }, "Consul's DNS is not known");
        return undefined;
      }
    },
    [Symbol.dispose]: forwarder.close,
  };
}
