/** Where a scheduler listens, and which of these addresses need certificates (pure). */
import { ArpanetError } from '../model/errors.ts';
import { parseAddress } from '../text/ipv4.ts';
import { formatHostPort, type HostPort } from '../text/host-port.ts';

/** An address as an operator writes it. */
export type AskedAddress =
  | ({ readonly scheme: 'tcp' | 'tls' } & HostPort)
  | { readonly scheme: 'unix'; readonly path: string; readonly mode: number; readonly group: string | undefined };

/** An address to listen on. */
export type ListenAddress =
  | ({ readonly isTls: boolean } & HostPort)
  | { readonly path: string; readonly mode: number; readonly group: string | undefined };

/** Where a scheduler listens. */
export interface ListenPlan {
  /** Where agents and the other schedulers reach it. */
  readonly main: HostPort & { readonly isTls: boolean };
  readonly others: readonly ListenAddress[];
  /** `tcp://10.0.0.1:2375`: addresses without TLS that other machines reach. */
  readonly exposed: readonly string[];
}

/** Only processes of the same machine reach it. RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3, RFC 6761 section 6.3. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (host.startsWith('127.') && parseAddress(host) !== undefined);
}

/**
 * `tcp://` is plain on loopback; elsewhere it has TLS with the certificates of files, or is plain with `--insecure` or where there are none. `tls://` has TLS everywhere, with the cluster's certificates where
 * there are no files. The main address is the first plain one, or else the first with TLS. Throws `invalid`: certificates that no address
 * uses, no address of TCP.
 */
export function planListen(
  asked: readonly AskedAddress[],
  { isInsecure, hasCertificate }: { readonly isInsecure: boolean; readonly hasCertificate: boolean },
): ListenPlan {
  const exposed: string[] = [];
  const planned = asked.map((one): ListenAddress => {
    if (one.scheme === 'unix') return { path: one.path, mode: one.mode, group: one.group };
    const { host, port, scheme } = one;
    const isPlain = scheme === 'tcp' && (isLoopback(host) || isInsecure || !hasCertificate);
    if (isPlain && !isLoopback(host)) {
      exposed.push(`tcp://${formatHostPort(one)}`);
    }
    return { host, port, isTls: !isPlain };
  });
  const ofTcp = planned.filter((one): one is { isTls: boolean } & HostPort => 'host' in one);
  if (hasCertificate && !ofTcp.some((one) => one.isTls))
    throw new ArpanetError('invalid', '--tls-cert is given, but no address of --listen has TLS: add --listen tls://ADDR:2376');
  const main = ofTcp.find((one) => !one.isTls) ?? ofTcp[0];
  if (main === undefined) {
    throw new ArpanetError(
      'invalid',
      '--listen needs an address of TCP as well, at which agents and other schedulers reach this one: tls://ADDR:2376, or tcp://127.0.0.1:2375',
    );
  }
  return { main, others: planned.filter((one) => one !== main), exposed };
}
