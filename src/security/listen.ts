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
  /** Plain TCP: where agents and the other schedulers reach it. */
  readonly main: HostPort;
  readonly others: readonly ListenAddress[];
  /** `tcp://10.0.0.1:2375`: addresses without TLS that other machines reach. */
  readonly exposed: readonly string[];
}

/** Only processes of the same machine reach it. RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3, RFC 6761 section 6.3. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (host.startsWith('127.') && parseAddress(host) !== undefined);
}

/**
 * `tcp://` is plain on loopback; elsewhere it has TLS, or is plain with `--insecure` or where there are no certificates: as long as agents join by plain TCP, a
 * cluster of several machines needs such an address. `tls://` has TLS everywhere. Throws `invalid`: TLS without certificates, certificates that no address uses,
 * no plain address for agents.
 */
export function planListen(
  asked: readonly AskedAddress[],
  { isInsecure, hasCertificate }: { readonly isInsecure: boolean; readonly hasCertificate: boolean },
): ListenPlan {
  const exposed: string[] = [];
  const planned = asked.map((one): ListenAddress => {
    if (one.scheme === 'unix') return { path: one.path, mode: one.mode, group: one.group };
    const { host, port, scheme } = one;
    const url = `${scheme}://${formatHostPort(one)}`;
    const isPlain = scheme === 'tcp' && (isLoopback(host) || isInsecure || !hasCertificate);
    if (!isPlain && !hasCertificate) throw new ArpanetError('invalid', needsCertificates(url));
    if (isPlain && !isLoopback(host)) exposed.push(url);
    return { host, port, isTls: !isPlain };
  });
  if (hasCertificate && !planned.some((one) => 'host' in one && one.isTls))
    throw new ArpanetError('invalid', '--tls-cert is given, but no address of --listen has TLS: add --listen tls://ADDR:2376');
  const main = planned.find((one): one is { isTls: boolean } & HostPort => 'host' in one && !one.isTls);
  if (main === undefined) {
    throw new ArpanetError(
      'invalid',
      '--listen needs a plain address as well, at which agents and other schedulers reach this one: tcp://127.0.0.1:2375, or an address of a private network with --insecure',
    );
  }
  return { main: { host: main.host, port: main.port }, others: planned.filter((one) => one !== main), exposed };
}

const needsCertificates = (url: string): string => `--listen ${url} needs certificates: --tls-ca, --tls-cert and --tls-key`;
